"""Cautions: each is said exactly where it applies."""

from typing import Any

import numpy as np
import pytest

from kantor.estimator import EstimateConfig
from kantor.estimator.cautions import cautions_for, scale_ratio
from kantor.estimator.result import StopReason
from kantor.estimator.samples.folds import partitioned
from kantor.estimator.samples.pair import Pair


def gaussians(n: int = 2000) -> Pair:
    x, y = np.random.default_rng(0).normal(size=(2, n, 2))
    return Pair(x, y)


def said(
    pair: Pair, stop_reason: StopReason = StopReason.CONVERGED, **settings: Any
) -> list[str]:
    config = EstimateConfig(**settings)
    return cautions_for(partitioned(pair, config), config, stop_reason)


def scaled(factor: float, **settings: Any) -> list[str]:
    pair, factors = gaussians(), np.array([1.0, factor])
    x, y = (np.asarray(side, float) * factors for side in (pair.x, pair.y))
    return said(Pair(x, y), **settings)


def test_nothing_is_said_where_nothing_applies() -> None:
    assert said(gaussians()) == []


@pytest.mark.parametrize("effort", ["quick", "standard", "thorough"])
def test_steps_that_ran_out_are_said_where_more_effort_exists(effort: str) -> None:
    found = said(gaussians(), StopReason.STEP_LIMIT, effort=effort)
    expected = [] if effort == "thorough" else [StopReason.STEP_LIMIT.message]
    assert found == expected


@pytest.mark.parametrize(("n", "few"), [(100, True), (219, True), (399, False)])
def test_few_test_samples_are_said(n: int, few: bool) -> None:
    assert any("test samples a side" in s for s in said(gaussians(n))) == few


def test_a_bound_that_holds_in_the_limit_says_so() -> None:
    (sentence,) = said(gaussians(), bound_method="student")
    assert "limit of many samples" in sentence


@pytest.mark.parametrize(
    ("factor", "apart"), [(50.0, False), (1e-3, True), (1e4, True)]
)
def test_scales_that_differ_are_said(factor: float, apart: bool) -> None:
    assert any("Feature scales differ" in s for s in scaled(factor)) == apart


def test_a_metric_that_was_changed_is_said_instead_of_scales() -> None:
    (sentence,) = scaled(1e4, scaling="standardize")
    assert "standardized metric" in sentence


def test_constant_features_have_no_scale() -> None:
    x = np.zeros((50, 3))
    x[:, 0] = np.linspace(0.0, 1.0, 50)
    assert scale_ratio(x, x) == 1.0
    assert scale_ratio(np.zeros((50, 2)), np.zeros((50, 2))) == 1.0


@pytest.mark.parametrize("side", ["source", "target"])
def test_weights_that_leave_few_are_said_of_their_side(side: str) -> None:
    pair = gaussians()
    weights = np.tile([1.0, 0.5], 1000)
    weighed = {"source": Pair(pair.x, pair.y, weights), "target": Pair(
        pair.x, pair.y, None, weights
    )}[side]  # fmt: skip
    left, unknown = said(weighed)
    assert f"The {side}'s weights left" in left
    assert "No max_weight was stated" in unknown
    assert said(weighed, max_weight=1.0) == [left]


def test_copies_of_a_side_are_said() -> None:
    pair = gaussians(200)
    repeated = Pair(np.repeat(pair.x, 10, axis=0), gaussians().y)
    (sentence,) = said(repeated)
    assert "equal samples that training saw" in sentence
    assert said(Pair(np.rint(repeated.x), gaussians().y)) == []  # whole numbers repeat
