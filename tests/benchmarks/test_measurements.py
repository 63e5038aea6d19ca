"""Each method is measured in a process of its own."""

import numpy as np
import pytest

from benchmarks.answers import Answer, Array
from benchmarks.measurements import memory_bytes, missing, outcome
from benchmarks.problems import select
from benchmarks.rivals import NONE, PEERS, Rival, sliced

BALLAST_BYTES = 50 * 2**20


def heavy(x: Array, y: Array, seed: int) -> Answer:
    """Hold as much memory as the test looks for."""
    return Answer(float(np.ones(BALLAST_BYTES // 8).sum()))


def refusing(x: Array, y: Array, seed: int) -> Answer:
    """End without an answer."""
    raise SystemExit(3)


def test_outcome_is_that_of_the_method() -> None:
    pair = next(select("shift-2d")).sample(200, np.random.default_rng(0))
    found = outcome("sliced", PEERS["sliced (POT)"], pair, 3)
    assert found.answer.value == pytest.approx(sliced(*pair, 3).value)
    assert found.processor_s > 0


@pytest.mark.skipif(memory_bytes("VmHWM") is None, reason="needs Linux's /proc")
def test_peak_is_what_the_method_held() -> None:
    pair = np.zeros((1, 1)), np.zeros((1, 1))
    peak = outcome("heavy", Rival(heavy, NONE), pair, 0).peak_bytes
    # Imports are not counted: torch alone would be hundreds of MiB.
    assert peak is not None
    assert BALLAST_BYTES <= peak < 2 * BALLAST_BYTES


def test_failing_method_is_named() -> None:
    nothing = np.empty((0, 2))
    with pytest.raises(RuntimeError, match="an outcome of refusing, got exit status 3"):
        outcome("refusing", Rival(refusing, NONE), (nothing, nothing), 0)


def test_absent_packages_are_told() -> None:
    absent = "no_such_package.at_all"
    assert missing(Rival(sliced, NONE, absent)) == absent
    assert missing(PEERS["sliced (POT)"]) is None


def test_memory_is_read_where_the_system_tells() -> None:
    held, most = memory_bytes("VmRSS"), memory_bytes("VmHWM")
    assert held is None or most is None or 0 < held <= most
