"""A critic of every family, as it stands before training or is fitted at once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from kantor.estimator import EstimateConfig
from kantor.estimator.critics import FITTED, TRAINED
from kantor.estimator.evidence.certified import EvaluatedCritic, evaluated
from kantor.estimator.recipe import Recipe, recipe_for
from kantor.models.vocabulary import Norm


@dataclass(frozen=True)
class Heads:
    """Fit samples (F, n, d) of both sides."""

    source: Tensor
    target: Tensor

    def heads(self, count: int) -> tuple[Tensor, Tensor]:
        """Return at most `count` rows of each side."""
        return self.source[:, :count], self.target[:, :count]


def gaussian(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator)


@pytest.fixture(scope="session")
def fit_samples() -> Heads:
    """Return Gaussians in 3 dimensions on two folds, the source moved by (1, 0, 0)."""
    shift = torch.tensor([1.0, 0.0, 0.0])
    return Heads(gaussian(2, 60, 3, seed=0) + shift, gaussian(2, 50, 3, seed=1))


def small(norm: Norm = "l2") -> Recipe:
    """Return what a quick estimation with small critics does."""
    config = EstimateConfig(
        effort="quick", width=8, depth=2, group_size=4, cones=5, norm=norm
    )
    return recipe_for(config, n_fit=50)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return small()


@pytest.fixture(scope="session")
def critic_of(fit_samples: Heads) -> Callable[..., EvaluatedCritic]:
    """Return a function that gives a family's first critic, certified."""

    def critic(name: str, norm: Norm = "l2") -> EvaluatedCritic:
        for trained in TRAINED:
            if trained.name == name:
                starts = trained.starts(fit_samples, small(norm), seed=0, norm=norm)
                start = next(iter(starts.values()))
                first = start.method.restored(start.critic).select([0])
                return evaluated(first, name)
        for fitted in FITTED:
            if fitted.name == name:
                return evaluated(fitted.fitted(fit_samples, norm=norm)[0][0], name)
        raise AssertionError(name)

    return critic
