"""The curve of an estimation ends with what it came to."""

import pytest

from benchmarks.paper.racing import Curve
from benchmarks.paper.side_by_side import share_at, whole


@pytest.mark.parametrize(
    ("curve", "steps"), [([], 0), ([[1.0, 0.5, 25], [2.0, 0.8, 50]], 50)]
)
def test_the_estimate_is_the_last_point_of_any_curve(curve: Curve, steps: int) -> None:
    found = whole({"curve": curve, "estimate": 0.9, "processor_s": 3.0})
    assert found == [*curve, [3.0, 0.9, steps]]


def test_an_estimation_that_was_stopped_has_its_curve_alone() -> None:
    curve = [[1.0, 0.5, 25]]
    assert whole({"curve": curve, "estimate": None}) == curve


def test_a_share_is_the_last_one_seen_by_then() -> None:
    curve = [[1.0, 0.5, 25], [4.0, 0.8, 100]]
    assert [share_at(curve, t) for t in (0.2, 2.0, 20.0)] == ["", "0.500", "0.800"]
