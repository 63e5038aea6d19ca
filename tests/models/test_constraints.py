"""Constraints: exact projections, norms within what each promises, slopes certified."""

from collections.abc import Callable

import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor

from kantor.models.activations import Activation
from kantor.models.constraints import (
    Bjorck,
    Constraint,
    Parseval,
    RowBalls,
    Spectral,
    Stiefel,
    StiefelProjection,
    l1_projected,
)
from kantor.models.critic import lipschitz_bound, mapped
from kantor.models.methods import Method
from kantor.models.network import Network, Path, initial_network
from kantor.models.optimizers import Adam
from kantor.models.vocabulary import ActivationName

FAMILIES: dict[str, tuple[Callable[[], Constraint], Path]] = {
    "stiefel": (Stiefel, "l2"),
    "projection": (StiefelProjection, "l2"),
    "bjorck": (Bjorck, "l2"),
    "spectral": (Spectral, "l2"),
    "parseval": (Parseval, "l2"),
    "l1": (lambda: RowBalls("linf"), "linf"),
    "mixed": (lambda: RowBalls("mixed"), "mixed"),
}
ACTIVATIONS: tuple[ActivationName, ...] = ("groupsort", "maxout", "relu", "sigmoid")


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def network(path: Path, activation: ActivationName = "groupsort") -> Network:
    return initial_network(
        5,
        width=12,
        depth=2,
        activations=(Activation(activation, 4),) * 2,
        generator=torch.Generator().manual_seed(0),
        path=path,
        dtype=torch.float64,
    )


def perturbed(critic: Network, size: float) -> Network:
    return mapped(critic, lambda p: p + size * gaussian(*p.shape, seed=p.numel()))


def constrained(name: str, critic: Network) -> Network:
    method = Method(FAMILIES[name][0](), Adam())
    return method.effective(method.restored(critic))


def reference_projection(row: Tensor) -> Tensor:
    """Project a row to the L1 ball by looking for the threshold."""
    if float(row.abs().sum()) <= 1.0:
        return row
    level: float = brentq(
        lambda t: float((row.abs() - t).clamp_min(0.0).sum()) - 1.0,
        0.0, float(row.abs().max()), xtol=1e-15,
    )  # fmt: skip
    return row.sign() * (row.abs() - level).clamp_min(0.0)


@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0, 1e6])
def test_l1_projection_is_the_nearest_point_of_the_ball(size: float) -> None:
    w = size * gaussian(50, 9)
    expected = torch.stack([reference_projection(row) for row in w])
    assert torch.allclose(l1_projected(w), expected, atol=1e-9)


def test_l1_projection_leaves_the_ball_alone() -> None:
    inside = 0.01 * gaussian(20, 9)
    edge = l1_projected(gaussian(20, 9))
    assert torch.equal(l1_projected(inside), inside)
    assert torch.allclose(l1_projected(edge), edge, atol=1e-15)
    assert not l1_projected(torch.zeros(2, 4)).any()


@pytest.mark.parametrize("name", FAMILIES)
def test_operator_norms_stay_at_one_where_promised(name: str) -> None:
    constraint, path = FAMILIES[name]
    critic = constrained(name, perturbed(network(path), 0.01))
    excess = float(critic.operator_norms().max()) - 1.0
    # Newton-Schulz and Polar Express end within 1e-6; balls within rounding.
    assert excess < (0.2 if constraint().may_exceed else 2e-6)


@pytest.mark.parametrize("name", ["spectral", "parseval"])
def test_certificate_measures_what_a_constraint_lets_through(name: str) -> None:
    critic = constrained(name, perturbed(network("l2"), 0.3))
    norms = torch.stack([torch.linalg.matrix_norm(w, 2) for w in critic.weights], -1)
    assert torch.allclose(lipschitz_bound(critic), norms.prod(-1), rtol=1e-8)
    assert (lipschitz_bound(critic) != 1.0).all()


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_parseval_comes_back_from_any_step(size: float) -> None:
    method, critic = Method(Parseval(), Adam()), perturbed(network("l2"), size)
    for _ in range(60):
        critic = method.restored(critic)
    assert float(critic.operator_norms().max()) < 1.0 + 1e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", FAMILIES)
def test_no_slope_exceeds_the_certificate(
    name: str, activation: ActivationName
) -> None:
    path = FAMILIES[name][1]
    critic = constrained(name, perturbed(network(path, activation), 0.3))
    p = 2.0 if critic.ground_norm == "l2" else float("inf")
    x = gaussian(1000, 5, seed=1)
    for size in (1e-4, 1.0, 100.0):
        y = x + size * gaussian(1000, 5, seed=2).sign()
        distances = torch.linalg.vector_norm(x - y, p, dim=-1)
        slopes = (critic(x) - critic(y)).abs() / distances
        assert (slopes <= lipschitz_bound(critic)[:, None] * (1 + 1e-9)).all()


def test_row_balls_on_the_mixed_path_attain_slope_one() -> None:
    critic = constrained("mixed", perturbed(network("mixed"), 3.0))
    assert torch.allclose(lipschitz_bound(critic), torch.ones(2).double(), rtol=1e-8)
