"""Cones: 1-Lipschitz whatever the parameters, with the right gradients and limits."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kantor.models.cones import TIP, Cones, initial_cones, l2_minimum, linf_minimum
from kantor.models.critic import lipschitz_bound
from kantor.models.vocabulary import Norm

NORMS: tuple[Norm, ...] = ("l2", "linf")


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def cones(norm: Norm = "l2", temperature: float = 0.1, dim: int = 3) -> Cones:
    """Return two critics, peaks and valleys, of seven cones each."""
    start = initial_cones(gaussian(2, 7, dim), signs=(-1, 1), norm=norm)
    return replace(
        start,
        offsets=gaussian(2, 1, 7, seed=1),
        log_temperatures=torch.full((2, 1, 1), temperature).double().log(),
    )


def distances(critic: Cones, x: Tensor) -> Tensor:
    p = 2.0 if critic.ground_norm == "l2" else float("inf")
    offsets = x[:, None] - critic.centers[:, None]
    lengths: Tensor = torch.linalg.vector_norm(offsets, p, dim=-1)
    return lengths


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("temperature", [1e-6, 0.1, 10.0])
def test_no_slope_exceeds_one(norm: Norm, temperature: float) -> None:
    critic, x = cones(norm, temperature), 2 * gaussian(2000, 3, seed=2)
    for size in (1e-3, 1.0, 50.0):
        y = x + size * gaussian(2000, 3, seed=3)
        p = 2.0 if norm == "l2" else float("inf")
        lengths = torch.linalg.vector_norm(x - y, p, dim=-1)
        # Rounding of distances (1e-12 with rounded tips) over the shortest, 1e-4.
        assert ((critic(x) - critic(y)).abs() <= lengths * (1 + 1e-7)).all()


@pytest.mark.parametrize("norm", NORMS)
def test_certificate_is_one_up_to_rounding(norm: Norm) -> None:
    bound = lipschitz_bound(cones(norm))
    assert ((bound >= 1.0) & (bound < 1.0 + 1e-8)).all()


@pytest.mark.parametrize("norm", NORMS)
def test_cold_cones_are_their_minimum(norm: Norm) -> None:
    critic, x = cones(norm, temperature=1e-4), gaussian(100, 3, seed=2)
    lowest = (distances(critic, x) + critic.offsets).amin(-1)
    expected = torch.tensor([[-1.0], [1.0]]) * lowest
    # T ln 7 below the minimum at most, and tips rounded by TIP.
    assert torch.allclose(critic(x), expected, atol=1e-4 * 1.95 + TIP, rtol=0.0)


@pytest.mark.parametrize("minimum", [l2_minimum, linf_minimum])
def test_gradients_are_those_of_the_values(minimum: type) -> None:
    critic = cones()
    inputs = [gaussian(2, 5, 3, seed=4), *critic.tensors()]
    assert torch.autograd.gradcheck(minimum, [t.requires_grad_() for t in inputs])


@pytest.mark.parametrize("norm", NORMS)
def test_gradient_is_finite_at_a_center(norm: Norm) -> None:
    critic = cones(norm)
    x = critic.centers.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x)
    assert gradient.isfinite().all()


def test_select_keeps_members_with_their_signs() -> None:
    critic, x = cones(), gaussian(10, 3, seed=2)
    assert torch.equal(critic.select([1])(x), critic(x)[1:])
    assert critic.select([1, 0]).signs == (1, -1)
    assert critic.select([]).n_critics == 0


def test_with_tensors_replaces_all_parameters() -> None:
    critic, x = cones(), gaussian(10, 3, seed=2)
    moved = critic.with_tensors([critic.centers + 1.0, *critic.tensors()[1:]])
    assert torch.allclose(moved(x + 1.0), critic(x))
    assert moved.signs == critic.signs


def test_a_constant_added_to_offsets_adds_to_the_values() -> None:
    critic, x = cones(), gaussian(10, 3, seed=2)
    raised = replace(critic, offsets=critic.offsets + 2.0)
    expected = critic(x) + torch.tensor([[-2.0], [2.0]])
    assert torch.allclose(raised(x), expected)
