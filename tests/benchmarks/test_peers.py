"""The comparison measures each method in a process of its own."""

import numpy as np
import pytest

from benchmarks.peers import memory_bytes, missing, outcome
from benchmarks.problems import select
from benchmarks.rivals import RIVALS, Rival, sliced


def test_outcome_is_that_of_the_method() -> None:
    pair = next(select("shift-2d")).sample(200, np.random.default_rng(0))
    found = outcome("sliced (POT)", pair, 3)
    assert found.value == pytest.approx(sliced(*pair, 3))
    assert found.processor_s > 0
    assert found.peak_bytes is None or found.peak_bytes >= 0


def test_failing_method_is_named() -> None:
    nothing = np.empty((0, 2))
    with pytest.raises(RuntimeError, match="an outcome of exact transport"):
        outcome("exact transport (POT)", (nothing, nothing), 0)


def test_absent_packages_are_told() -> None:
    assert missing(Rival(sliced, "no_such_package.at_all")) == "no_such_package.at_all"
    assert missing(RIVALS["ours"]) is None


def test_memory_is_read_where_the_system_tells() -> None:
    held, most = memory_bytes("VmRSS"), memory_bytes("VmHWM")
    assert held is None or most is None or 0 < held <= most
