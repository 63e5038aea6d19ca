"""How many samples are needed: against what is known in advance."""

from typing import Any

import numpy as np
import pytest

from kantor.estimator import (
    Estimate,
    InvalidInput,
    SamplePlan,
    estimate_w1,
    plan_samples,
)
from kantor.estimator.planning import PlannedSize, _needed

SIZES = (200, 800, 3200)


@pytest.fixture(scope="module")
def plan() -> SamplePlan:
    x, y = np.random.default_rng(0).normal(size=(2, 400, 1))
    return plan_samples(x, y + 1.0, effort="quick", steps=25, sizes=SIZES)


def test_four_times_the_rows_halve_the_distance_that_shows(plan: SamplePlan) -> None:
    few, _, many = (size.detectable_distance for size in plan.sizes)
    assert 3.0 < few / many < 5.5  # 16 times the rows: 4 in the limit


def test_the_same_size_shows_about_what_the_estimate_says(plan: SamplePlan) -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 800, 1))
    found = estimate_w1(x, y + 1.0, effort="quick", steps=25)
    shown = plan.sizes[1].detectable_distance
    assert shown == pytest.approx(found.detectable_distance, rel=0.25)


def test_without_a_distance_it_is_the_one_that_is_found(plan: SamplePlan) -> None:
    assert plan.distance == plan.estimate.estimate
    assert plan.rows is not None
    assert plan.rows <= SIZES[0]


def test_samples_that_do_not_differ_ask_about_no_distance() -> None:
    x = np.random.default_rng(3).normal(size=(200, 1))
    plan = plan_samples(x[:100], x[100:], effort="quick", steps=5, sizes=(100,))
    assert isinstance(plan.estimate, Estimate)
    if plan.estimate.estimate <= 0.0:
        assert (plan.distance, plan.rows) == (None, None)


@pytest.mark.parametrize(
    ("distance", "rows"),
    [(4.0, 100), (2.0, 100), (1.0, 400), (1.4142, 201), (0.5, None)],
)
def test_rows_lie_between_the_sizes_that_were_looked_at(
    distance: float, rows: int | None
) -> None:
    few = PlannedSize(rows=100, detectable_distance=2.0)
    planned = [few, PlannedSize(rows=400, detectable_distance=1.0)]
    assert _needed(planned, distance) == rows


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
def test_a_distance_that_is_none_is_refused(distance: float) -> None:
    with pytest.raises(InvalidInput, match="distance: expected a number > 0"):
        plan_samples([[0.0]] * 50, [[0.0]] * 50, distance=distance)


def test_crossed_folds_are_planned_as_they_are_tested() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 200, 1))
    options: dict[str, Any] = {"effort": "quick", "steps": 10, "sizes": (400,)}
    plans = [plan_samples(x, y + 1.0, folds=f, **options) for f in (1, 4)]
    assert plans[0].sizes[0] != plans[1].sizes[0]
