"""A recipe has no gaps: what is set stands, what is not comes from the effort."""

from dataclasses import fields
from typing import Any, get_args

import pytest

from kantor.estimator import EstimateConfig, InvalidConfig
from kantor.estimator.config import Effort
from kantor.estimator.recipe import DEFAULT_RATES, recipe_for

EFFORTS = get_args(Effort)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_no_gap_is_left(effort: Effort, norm: Any) -> None:
    recipe = recipe_for(EstimateConfig(effort=effort, norm=norm))
    for part in (recipe, recipe.networks, recipe.cones):
        values = {item.name: getattr(part, item.name) for item in fields(part)}
        assert None not in values.values(), values


def test_more_effort_is_more_of_everything() -> None:
    quick, standard, thorough = (recipe_for(EstimateConfig(effort=e)) for e in EFFORTS)
    for less, more in ((quick, standard), (standard, thorough)):
        assert less.steps < more.steps
        assert less.sweeps < more.sweeps
        assert less.networks.width < more.networks.width
        assert less.networks.depth < more.networks.depth
        assert less.cones.count < more.cones.count


@pytest.mark.parametrize("effort", EFFORTS)
def test_what_is_set_stands_at_every_effort(effort: Effort) -> None:
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
        )
    )
    networks, cones = recipe.networks, recipe.cones
    assert recipe.steps == 7
    assert (networks.depth, networks.width, networks.group_sizes) == (5, 24, (6,))
    assert (networks.batch_size, cones.batch_size, cones.count) == (33, 33, 9)
    assert networks.learning_rate == 0.25


@pytest.mark.parametrize("optimizer", DEFAULT_RATES)
def test_the_step_size_suits_the_optimizer(optimizer: Any) -> None:
    networks = recipe_for(EstimateConfig(optimizer=optimizer)).networks
    assert networks.learning_rate == DEFAULT_RATES[networks.optimizer]
    assert networks.optimizer == optimizer


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("width", [2, 15, 17, 96])
def test_competing_groups_divide_the_width(effort: Effort, width: int) -> None:
    sizes = recipe_for(EstimateConfig(effort=effort, width=width)).networks.group_sizes
    assert len(set(sizes)) == len(sizes) > 0
    assert all(size > 1 and width % size == 0 for size in sizes)


def test_a_group_size_meets_the_efforts_width() -> None:
    config = EstimateConfig(effort="quick", group_size=3)  # the width is not yet known
    with pytest.raises(InvalidConfig, match="divisor of width 64, got 3") as refused:
        recipe_for(config)
    assert refused.value.field == "group_size"
