"""Cones on learned projections find what hides in a few directions."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.distance_sets import gaussian, planes
from kantor.estimator import EstimateConfig, estimate_w1
from kantor.estimator.critics.projection import ProjectionFamily
from kantor.estimator.recipe import recipe_for
from kantor.models.vocabulary import Norm

Array = NDArray[np.float64]


class Rows:
    """Normal fit samples of two folds."""

    def __init__(self, n: int, dim: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.sides = torch.randn(2, 2, n, dim, generator=generator)

    def heads(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.sides[0, :, :count], self.sides[1, :, :count]


@pytest.mark.slow
def test_finds_planes_that_cones_do_not() -> None:
    problem = planes("planes-8d", draw=lambda n, rng: gaussian(8, n, rng), count=5)
    x, y = problem.sample(30_000, np.random.default_rng(0))
    found = estimate_w1(x, y, EstimateConfig(sample_bounds=False))
    assert found.critic_family == "projection"
    assert found.estimate > 0.8 * problem.w1
    assert found.lower_bound <= problem.w1


@pytest.mark.parametrize(("norm", "ranks"), [("l2", [1, 2, 4, 8]), ("linf", [])])
def test_ranks_up_to_half_the_dimension_compete(norm: Norm, ranks: list[int]) -> None:
    recipe = recipe_for(EstimateConfig(), 10_000)
    starts = ProjectionFamily().starts(Rows(600, 16), recipe, seed=0, norm=norm)
    assert list(starts) == [f"projection:{rank}" for rank in ranks]
    assert all(start.critic.n_critics == 2 * 2 for start in starts.values())


def test_many_planes_start_of_which_some_go_on() -> None:
    recipe = recipe_for(EstimateConfig(), 10_000)
    starts = ProjectionFamily().starts(Rows(600, 16), recipe, seed=0, norm="l2")
    started = [s.critic.tensors()[1].shape[1] for s in starts.values()]
    assert started == [128, 32, 32, 32]
    assert [s.most_parts for s in starts.values()] == [32, 32, 32, 32]


def test_few_samples_get_few_cones() -> None:
    recipe = recipe_for(EstimateConfig(), 100)
    starts = ProjectionFamily().starts(Rows(100, 4), recipe, seed=0, norm="l2")
    assert starts["projection:1"].critic.tensors()[1].shape[1] == 100 // 16
