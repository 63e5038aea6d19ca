"""A recipe has no gaps: what is set stands, what is not comes from the effort."""

from dataclasses import fields
from typing import Any, get_args

import pytest

from kantor.estimator import EstimateConfig, InvalidConfig
from kantor.estimator.config import Effort
from kantor.estimator.recipe import (
    CHOSEN_SHARE,
    CONES_MANY_FIT,
    DEFAULT_RATES,
    FEWEST_CONES,
    FOLDING_SHARE,
    SAMPLES_PER_CONE,
    SMALL_FIT,
    SORTING_STEP,
    NetworkCandidate,
    recipe_for,
)

EFFORTS = get_args(Effort)
MANY = 1_000_000
"""Fit samples that hold no effort back."""


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("n_fit", [10, MANY])
def test_no_gap_is_left(effort: Effort, norm: Any, n_fit: int) -> None:
    recipe = recipe_for(EstimateConfig(effort=effort, norm=norm), n_fit)
    candidates = recipe.networks.candidates
    families = (recipe.networks, recipe.cones, recipe.projections)
    parts: tuple[Any, ...] = (recipe, *families, *candidates)
    for part in parts:
        values = {item.name: getattr(part, item.name) for item in fields(part)}
        assert None not in values.values(), values


def test_more_effort_is_more_of_everything() -> None:
    quick, standard, thorough = (
        recipe_for(EstimateConfig(effort=e), MANY) for e in EFFORTS
    )
    for less, more in ((quick, standard), (standard, thorough)):
        assert less.steps < more.steps
        assert less.sweeps < more.sweeps
        assert less.networks.width < more.networks.width
        assert less.networks.depth < more.networks.depth
        assert less.cones.count < more.cones.count
        assert less.projections.rows < more.projections.rows
        assert {*less.projections.ranks} <= {*more.projections.ranks}


@pytest.mark.parametrize("effort", EFFORTS)
def test_critics_are_no_larger_than_the_samples_can_fit(effort: Effort) -> None:
    config = EstimateConfig(effort=effort)
    quick = recipe_for(EstimateConfig(effort="quick"), MANY).networks
    most = recipe_for(config, MANY)
    for n_fit in (1, 100, 1_000, SMALL_FIT - 1, SMALL_FIT, 10_000):
        found = recipe_for(config, n_fit)
        allowed = max(FEWEST_CONES, n_fit // SAMPLES_PER_CONE)
        assert found.cones.count == min(most.cones.count, allowed)
        shape = quick if n_fit < SMALL_FIT else most.networks
        assert (found.networks.depth, found.networks.width) == (
            shape.depth, shape.width
        )  # fmt: skip
        assert found.projections.most_cones <= max(4, allowed)
        assert found.steps == most.steps  # how long it tries is the effort's


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("n_fit", [10, 1_000, 20_000, MANY])
def test_few_cones_of_those_that_start_are_left(effort: Effort, n_fit: int) -> None:
    cones = recipe_for(EstimateConfig(effort=effort), n_fit).cones
    assert cones.few <= cones.most <= cones.count
    if n_fit == MANY:
        assert cones.count == CHOSEN_SHARE * cones.most


def test_cones_that_are_asked_for_are_not_fewer() -> None:
    cones = recipe_for(EstimateConfig(cones=300), 1_000).cones
    assert (cones.count, cones.most, cones.few) == (300, 300, 300)


def test_cones_take_larger_batches_of_many_samples() -> None:
    config = EstimateConfig()
    few, many = (recipe_for(config, n).cones for n in (CONES_MANY_FIT, MANY))
    assert many.batch_size == 2 * few.batch_size
    fixed = recipe_for(EstimateConfig(batch_size=512), MANY).cones
    assert fixed.batch_size == 512


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_largest_batch_is_that_of_some_family(effort: Effort) -> None:
    recipe = recipe_for(EstimateConfig(effort=effort), MANY)
    parts = (recipe.networks, recipe.cones, recipe.projections)
    assert recipe.largest_batch == max(part.batch_size for part in parts)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("n_fit", [10, MANY])
def test_what_is_set_stands_at_every_effort(effort: Effort, n_fit: int) -> None:
    recipe = recipe_for(
        EstimateConfig(
            effort=effort,
            steps=7,
            depth=5,
            width=24,
            group_size=6,
            cones=9,
            batch_size=33,
            learning_rate=0.25,
        ),
        n_fit,
    )
    networks, cones = recipe.networks, recipe.cones
    assert recipe.steps == 7
    assert (networks.depth, networks.width) == (5, 24)
    assert networks.candidates == (NetworkCandidate("groupsort", 6, 0.25),)
    assert (networks.batch_size, cones.batch_size, cones.count) == (33, 33, 9)
    assert recipe.projections.batch_size == 33


@pytest.mark.parametrize("optimizer", DEFAULT_RATES)
def test_the_step_size_suits_the_optimizer(optimizer: Any) -> None:
    networks = recipe_for(EstimateConfig(optimizer=optimizer), MANY).networks
    assert networks.optimizer == optimizer
    sorts = SORTING_STEP if optimizer == "manifold" else 1.0
    for candidate in networks.candidates:
        share = FOLDING_SHARE if candidate.activation == "abs" else sorts
        assert candidate.learning_rate == share * DEFAULT_RATES[networks.optimizer]


def test_a_step_size_that_is_set_is_that_of_every_sorting_network() -> None:
    networks = recipe_for(EstimateConfig(learning_rate=0.3), MANY).networks
    rates = {c.activation: c.learning_rate for c in networks.candidates}
    assert rates == {"groupsort": 0.3, "abs": FOLDING_SHARE * 0.3}


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("width", [2, 15, 17, 96])
def test_competing_groups_divide_the_width(effort: Effort, width: int) -> None:
    config = EstimateConfig(effort=effort, width=width)
    candidates = recipe_for(config, MANY).networks.candidates
    sizes = [c.group_size for c in candidates if c.activation == "groupsort"]
    assert len(set(sizes)) == len(sizes) > 0
    assert all(size > 1 and width % size == 0 for size in sizes)


@pytest.mark.parametrize("effort", EFFORTS)
def test_absolute_values_compete_with_sorting(effort: Effort) -> None:
    candidates = recipe_for(EstimateConfig(effort=effort), MANY).networks.candidates
    assert {c.activation for c in candidates} == {"groupsort", "abs"}
    assert sum(c.activation == "abs" for c in candidates) == 1


@pytest.mark.parametrize("effort", EFFORTS)
def test_networks_of_few_samples_sort_and_see_them_blurred(effort: Effort) -> None:
    config = EstimateConfig(effort=effort)
    few, enough = (recipe_for(config, n).networks for n in (SMALL_FIT - 1, SMALL_FIT))
    assert few.jitter > 0.0 == enough.jitter
    assert {c.activation for c in few.candidates} == {"groupsort"}
    assert max(c.learning_rate for c in few.candidates) < DEFAULT_RATES["manifold"]


@pytest.mark.parametrize("activation", ["maxmin", "relu", "abs", "maxout"])
def test_an_activation_that_is_set_competes_alone(activation: Any) -> None:
    config = EstimateConfig(activation=activation)
    (candidate,) = recipe_for(config, MANY).networks.candidates
    assert candidate.activation == activation


def test_a_group_size_meets_the_efforts_width() -> None:
    config = EstimateConfig(effort="quick", group_size=3)  # the width is not yet known
    with pytest.raises(InvalidConfig, match="divisor of width 64, got 3") as refused:
        recipe_for(config, MANY)
    assert refused.value.field == "group_size"
