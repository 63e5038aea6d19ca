"""Attacks find what is known to be there, and never what a certificate excludes."""

import pytest
import torch
from torch import Tensor

from benchmarks.paper.attacks import Attack, fgsm
from benchmarks.paper.classifiers import certified_radii, initial_classifiers, margins
from kantor.models.activations import Activation
from kantor.models.constraints import RowBalls, StiefelProjection
from kantor.models.methods import Method
from kantor.models.network import Network
from kantor.models.optimizers import AggMo
from kantor.models.vocabulary import Norm

RADIUS = 0.05

# f_0 - f_1 = <SLOPE, x> + 0.1: the least lead in a ball is known in closed form.
SLOPE = torch.tensor([0.5, -1.0, 2.0, 0.25])
LEAST = {"linf": RADIUS * SLOPE.abs().sum(), "l2": RADIUS * SLOPE.norm()}


def linear(x: Tensor) -> Tensor:
    lead = x @ SLOPE.to(x) + 0.1
    return torch.stack([lead, torch.zeros_like(lead)], dim=-1)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("steps", [1, 40])
def test_finds_the_least_lead_of_a_linear_classifier(norm: Norm, steps: int) -> None:
    x = torch.full((3, 4), 0.5)  # far enough inside the box for it not to matter
    y = torch.zeros(3, dtype=torch.int64)
    worst = Attack(norm, steps=steps, starts=2)(linear, x, y, RADIUS, generator())
    lowered = margins(linear(x), y) - margins(linear(worst), y)
    torch.testing.assert_close(lowered, LEAST[norm].expand(3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_stays_in_the_ball_of_each_row_and_in_the_box(norm: Norm) -> None:
    x = torch.rand(50, 4, generator=generator())
    radii = torch.linspace(0.0, 0.5, 50)
    y = torch.ones(50, dtype=torch.int64)
    worst = Attack(norm, steps=10)(linear, x, y, radii, generator())
    sizes = torch.linalg.vector_norm(worst - x, 2 if norm == "l2" else torch.inf, dim=1)
    assert (sizes <= radii + 1e-6).all()
    assert worst.min() >= 0.0
    assert worst.max() <= 1.0


def bowl(x: Tensor) -> Tensor:
    """Class 0 leads outside of a small ball, and steps along signs circle around it."""
    lead = (x - 0.5).square().sum(-1) - 0.003
    return torch.stack([lead, torch.zeros_like(lead)], dim=-1)


def test_pgd_finds_what_one_step_jumps_over() -> None:
    x = torch.tensor([[0.62, 0.55]])
    y = torch.zeros(1, dtype=torch.int64)
    near, far = (
        margins(bowl(attack(bowl, x, y, 0.3, generator())), y)
        for attack in (Attack("linf", steps=40), fgsm("linf"))
    )
    assert near < 0.0 < far


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_no_attack_succeeds_inside_the_certified_radius(norm: Norm) -> None:
    network = trained(norm)
    x, y = blobs(300)
    radii = certified_radii(network, x, y)[0]
    sure = radii > 0.0
    assert sure.double().mean() > 0.8
    attack = Attack(norm, steps=30, starts=3)

    def broken(share: float) -> Tensor:
        worst = attack(
            lambda z: network(z)[0], x[sure], y[sure], share * radii[sure], generator()
        )
        return margins(network(worst)[0], y[sure]) <= 0.0

    assert not broken(1.0 - 1e-6).any()
    # The same attack does succeed a few radii further out, so it is not a weak one.
    assert broken(4.0).double().mean() > 0.5


def blobs(n: int) -> tuple[Tensor, Tensor]:
    """Return three classes of points in the box, in float64."""
    y = torch.arange(n) % 3
    centers = torch.tensor([[0.3, 0.3], [0.7, 0.3], [0.5, 0.7]], dtype=torch.float64)
    noise = torch.randn(n, 2, generator=generator(), dtype=torch.float64)
    return (centers[y] + 0.07 * noise).clamp(0.0, 1.0), y


def trained(norm: Norm) -> Network:
    """Return a classifier of the blobs under a constraint."""
    from benchmarks.paper.ascent import ascended

    x, y = blobs(300)
    start = initial_classifiers(
        2, classes=3, width=16, depth=2, activation=Activation("maxmin"), count=1,
        generator=generator(), path=norm,
    )  # fmt: skip
    start = start.with_tensors([p.double() for p in start.tensors()])
    held = RowBalls("linf") if norm == "linf" else StiefelProjection()

    def objective(candidates: Network, _: int) -> Tensor:
        return -(0.3 - margins(candidates(x), y.expand(1, -1))).clamp_min(0.0).mean(-1)

    return ascended(start, Method(held, AggMo()), objective, steps=150, rates=0.05)
