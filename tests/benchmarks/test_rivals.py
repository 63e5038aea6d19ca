"""Rivals find a plain shift, each within what it is known for."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import rivals
from benchmarks.problems import select
from benchmarks.rivals import RIVALS, slope_penalty


@pytest.mark.parametrize("name", ["exact transport (POT)", "Sinkhorn (POT)"])
def test_transport_solvers_find_a_shift(name: str) -> None:
    x, y = next(select("shift-2d")).sample(300, np.random.default_rng(0))
    # The plug-in value lies above W1 = 1; entropy adds to it.
    assert 0.9 < RIVALS[name].method(x, y, 0) < 1.4


def test_sliced_distance_is_smaller() -> None:
    x, y = next(select("shift-8d")).sample(500, np.random.default_rng(0))
    assert 0.1 < RIVALS["sliced (POT)"].method(x, y, 0) < 0.6


def test_gradient_penalty_critic_moves_toward_the_distance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rivals, "STEPS", 200)
    x, y = next(select("shift-2d")).sample(500, np.random.default_rng(0))
    assert 0.3 < RIVALS["WGAN-GP critic"].method(x, y, 0) < 1.5


def test_slope_penalty_of_a_linear_critic_is_known() -> None:
    critic = nn.Linear(3, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[3.0, 0.0, 4.0]]))
    u, v = torch.randn(2, 10, 3, generator=torch.Generator().manual_seed(0))
    penalty = slope_penalty(critic, u, v).detach()
    assert float(penalty) == pytest.approx(16.0, rel=1e-5)
