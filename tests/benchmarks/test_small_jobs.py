import os
from functools import partial

import numpy as np
import pytest

from benchmarks.small_jobs import (
    KINDS,
    STAGES,
    Kind,
    limited_threads,
    one_job,
    pair,
    stage_times,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_pair_is_drawn_by_its_seed(kind: Kind) -> None:
    x, y = pair(kind, 1, 50, 3)
    again = pair(kind, 1, 50, 3)
    assert x.shape == y.shape == (50, 3)
    np.testing.assert_array_equal(y, again[1])


def test_stages_are_parts_of_the_whole() -> None:
    spent = stage_times(partial(one_job, 0, 100, 2))
    parts = [spent[stage] for stage in STAGES]
    assert all(part > 0.0 for part in parts)
    assert sum(parts) <= 1.01 * spent["all"]  # the clock's own cost


def test_processes_begin_with_the_threads_of_a_worker() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    with limited_threads(3):
        assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ.get("OMP_NUM_THREADS") == before
