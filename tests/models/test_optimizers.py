"""Optimizers climb, each member at its own rate, as their definitions say."""

import pytest
import torch
from torch import Tensor

from kantor.models.norms import spectral_norm
from kantor.models.optimizers import (
    OPTIMIZERS,
    Adam,
    AggMo,
    Optimizer,
    SpectralAscent,
)
from kantor.models.orthonormal import random_orthonormal

Tensors = tuple[Tensor, ...]


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def at_rate(rate: float) -> Tensor:
    """Return the step sizes of two members."""
    return torch.full((2, 1, 1), rate, dtype=torch.float64)


def parameters() -> Tensors:
    """Return one hidden layer's weight, the last row and a bias, of two members."""
    return gaussian(2, 4, 3), gaussian(2, 1, 4, seed=1), gaussian(2, 1, 4, seed=2)


def gradients_of_distance(found: Tensors, goal: Tensors) -> Tensors:
    """Return the gradients of -|p - goal|^2 / 2, summed over parameters."""
    return tuple(g - p for p, g in zip(found, goal, strict=True))


def climbed(optimizer: Optimizer, rates: Tensor, steps: int) -> tuple[Tensors, Tensors]:
    """Return parameters after some steps towards a goal, and the goal."""
    found, goal = parameters(), tuple(p + 1.0 for p in parameters())
    memory = optimizer.initial_memory(found)
    for step in range(steps):
        found, memory = optimizer.step(
            found,
            memory,
            gradients_of_distance(found, goal),
            step=step,
            rates=rates,
            n_weights=2,
        )
    return found, goal


def objective(found: Tensors, goal: Tensors) -> Tensor:
    """Return -|p - goal|^2 / 2 of each member."""
    squares = [(p - g).square().sum((1, 2)) for p, g in zip(found, goal, strict=True)]
    return -0.5 * torch.stack(squares).sum(0)


@pytest.mark.parametrize("name", ["adam", "sgd", "aggmo"])
def test_climbs_a_concave_objective(name: str) -> None:
    rates = at_rate(0.02)
    found, goal = climbed(OPTIMIZERS[name](), rates, steps=200)
    start = objective(parameters(), goal)
    assert (objective(found, goal) > 0.05 * start).all()


def test_spectral_ascent_climbs_along_the_manifold() -> None:
    optimizer, generator = SpectralAscent(), torch.Generator().manual_seed(0)
    w = random_orthonormal((2, 4, 4), generator=generator, dtype=torch.float64)
    goal = gaussian(2, 4, 4)
    moved, _ = optimizer.step(
        (w,), optimizer.initial_memory((w,)), (goal,), step=0,
        rates=at_rate(0.05), n_weights=1,
    )  # fmt: skip
    assert ((moved[0] * goal).sum((1, 2)) > (w * goal).sum((1, 2))).all()
    lengths = spectral_norm(moved[0] - w)
    assert ((lengths > 0.05 * 0.87) & (lengths < 0.05 * 1.13)).all()  # 5 iterations


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_member_moves_at_its_own_rate(name: str) -> None:
    rates = torch.tensor([0.0, 0.1], dtype=torch.float64)[:, None, None]
    found, _ = climbed(OPTIMIZERS[name](), rates, steps=3)
    for before, after in zip(parameters(), found, strict=True):
        assert torch.equal(before[0], after[0])
        assert not torch.equal(before[1], after[1])


def test_aggmo_of_one_damping_is_the_heavy_ball() -> None:
    rates = at_rate(0.1)
    found, goal = climbed(AggMo(dampings=(0.9,)), rates, steps=5)
    expected, velocity = parameters()[0], torch.zeros(2, 4, 3)
    for _ in range(5):
        velocity = 0.9 * velocity + goal[0] - expected
        expected = expected + 0.1 * velocity
    assert torch.allclose(found[0], expected, rtol=1e-12)


def test_aggmo_moves_by_the_mean_of_its_velocities() -> None:
    rates = at_rate(0.1)
    both, goal = climbed(AggMo(dampings=(0.0, 0.9)), rates, steps=2)
    first = parameters()[0] + 0.1 * (goal[0] - parameters()[0])
    velocities = (goal[0] - first, 0.9 * (goal[0] - parameters()[0]) + goal[0] - first)
    assert torch.allclose(both[0], first + 0.05 * sum(velocities), rtol=1e-12)


def test_adam_is_that_of_torch() -> None:
    rates = at_rate(0.01)
    found, goal = climbed(Adam(), rates, steps=20)
    expected = [p.clone().requires_grad_() for p in parameters()]
    peer = torch.optim.Adam(expected, lr=0.01, betas=(0.9, 0.99), maximize=True)
    for _ in range(20):
        peer.zero_grad()
        objective(tuple(expected), goal).sum().backward()  # type: ignore[no-untyped-call]
        peer.step()
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9)


def test_adam_scales_each_parameter_by_its_factor() -> None:
    rates = at_rate(0.01)
    found, _ = climbed(Adam(factors=(0.5, 1.0, 0.0)), rates, steps=1)
    plain, _ = climbed(Adam(), rates, steps=1)
    start = parameters()
    assert torch.allclose(found[0] - start[0], 0.5 * (plain[0] - start[0]))
    assert torch.equal(found[2], start[2])
