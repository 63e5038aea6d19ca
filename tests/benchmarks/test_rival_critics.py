"""Critics of others are trained and evaluated apart."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import rival_critics
from benchmarks.problems import select
from benchmarks.rival_critics import paper, slope_penalty, torchlip, wgan_gp


def test_gradient_penalty_critic_moves_toward_the_distance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rival_critics, "STEPS", 200)
    x, y = next(select("shift-2d")).sample(500, np.random.default_rng(0))
    assert 0.3 < wgan_gp(x, y, 0).value < 1.5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchlip_critic_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("deel.torchlip")
    monkeypatch.setattr(rival_critics, "STEPS", 20)
    x, y = next(select("shift-2d")).sample(500, np.random.default_rng(0))
    assert 0.3 < torchlip(x, y, 0).value < 1.3


def test_the_papers_recipe_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival_critics, "STEPS", 5)
    monkeypatch.setattr(rival_critics, "WIDTH", 16)
    x, y = next(select("shift-2d")).sample(500, np.random.default_rng(0))
    found = paper(x, y, 0)
    assert found.lower_bound is not None
    assert found.lower_bound < found.value < 1.3


def test_slope_penalty_of_a_linear_critic_is_known() -> None:
    critic = nn.Linear(3, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[3.0, 0.0, 4.0]]))
    u, v = torch.randn(2, 10, 3, generator=torch.Generator().manual_seed(0))
    penalty = slope_penalty(critic, u, v).detach()
    assert float(penalty) == pytest.approx(16.0, rel=1e-5)
