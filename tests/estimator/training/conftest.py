"""A small estimation on its way: samples, settings, data and the state at the start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from kantor.estimator import EstimateConfig
from kantor.estimator.recipe import Recipe, recipe_for
from kantor.estimator.samples.folds import Partition, partitioned
from kantor.estimator.samples.pair import Pair
from kantor.estimator.training.data import TrainingData, training_data
from kantor.estimator.training.loop import TrainingState, initial_state
from kantor.estimator.training.portfolio import initial_portfolio
from kantor.estimator.training.race import Bar

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Setting:
    """Everything that one training starts from."""

    config: EstimateConfig
    recipe: Recipe
    partition: Partition
    data: TrainingData

    @property
    def bars(self) -> list[Bar]:
        """Return what everybody passes, so that nobody leaves or rests for a bar."""
        return [Bar(score=-float("inf"), noise=0.0)] * self.config.folds

    def start(self) -> TrainingState:
        """Return the state before the first step."""
        portfolio = initial_portfolio(self.data, self.recipe, self.config)
        adaptive = self.config.folds == 1
        return initial_state(portfolio, self.recipe.steps, adaptive=adaptive)


def corners(n: int = 200) -> Pair:
    """Draw corners of the cube, even ones for the source, odd for the target."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], size=(2, n, 3))
    signs[:, :, 0] *= signs.prod(2) * np.array([[1.0], [-1.0]])
    x, y = signs + 0.05 * rng.normal(size=signs.shape)
    return Pair(x, y)


@pytest.fixture(scope="session")
def setting() -> Callable[..., Setting]:
    """Return a function that sets a training up."""

    def prepared(**settings: Any) -> Setting:
        config = EstimateConfig(effort="quick", width=16, cones=16).replace(**settings)
        partition = partitioned(corners(), config)
        recipe = recipe_for(config, partition.n_fit)
        data = training_data(partition, config, CPU, batch_size=64)
        return Setting(config, recipe, partition, data)

    return prepared
