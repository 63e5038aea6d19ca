"""Training reaches known maxima, keeps its constraint, and slows down at the end."""

import pytest
import torch
from torch import Tensor

from benchmarks.paper.ascent import ascended, ascent, trapezoid
from benchmarks.paper.classifiers import initial_classifiers
from kantor.models.activations import Activation
from kantor.models.constraints import Free, RowBalls
from kantor.models.methods import Method
from kantor.models.network import Network
from kantor.models.norms import row_l1_norm
from kantor.models.optimizers import OPTIMIZERS, AggMo


def linear(start: Tensor) -> Network:
    """Return the critic <w, x> for w (1, 1, d)."""
    return Network((start,), (), (Activation("maxmin"),))


def parabola(critic: Network, _: int) -> Tensor:
    """Return -sum_i c_i (w_i - m_i)^2, greatest at m = (1, -2)."""
    (w,) = critic.weights
    curvature = torch.tensor([1.0, 30.0])
    return -(curvature * (w[:, 0] - torch.tensor([1.0, -2.0])).square()).sum(-1)


@pytest.mark.parametrize(("optimizer", "rate"), [("aggmo", 0.01), ("adam", 0.05)])
def test_reaches_the_maximum_of_a_parabola(optimizer: str, rate: float) -> None:
    method = Method(Free(), OPTIMIZERS[optimizer]())
    found = ascended(
        linear(torch.zeros(1, 1, 2)), method, parabola, steps=400, rates=rate
    )
    # Curvatures 30 times apart: the slow direction is what takes the steps.
    torch.testing.assert_close(
        found.weights[0], torch.tensor([[[1.0, -2.0]]]), atol=0.02, rtol=0.0
    )


def test_aggmo_is_the_mean_of_its_velocities() -> None:
    start = linear(torch.zeros(1, 1, 2))
    dampings = (0.0, 0.9, 0.99)
    way = ascent(
        start, Method(Free(), AggMo(dampings)), lambda c, _: c.weights[0].sum((1, 2)),
        steps=2, rates=1.0, pace=lambda *_: 1.0,
    )  # fmt: skip
    first, second = (parameters.weights[0][0, 0, 0].item() for parameters in way)
    assert first == pytest.approx(1.0)  # every velocity is the gradient, 1
    assert second - first == pytest.approx(sum(1.0 + b for b in dampings) / 3.0)


def test_rows_stay_in_their_balls_after_every_step() -> None:
    generator = torch.Generator().manual_seed(0)
    start = initial_classifiers(
        6, classes=3, width=8, depth=2, activation=Activation("maxmin"), count=2,
        generator=generator, path="linf",
    )  # fmt: skip
    x = torch.randn(16, 6, generator=generator)
    way = ascent(
        start, Method(RowBalls("linf"), AggMo()),
        lambda c, _: c(x).square().mean((1, 2)),
        steps=10, rates=1.0,
    )  # fmt: skip
    for parameters in way:
        norms = torch.stack([row_l1_norm(w) for w in parameters.weights])
        assert norms.max() <= 1.0 + 1e-6  # float32 rounding of sums
        assert norms.max() > 0.999  # the steps are large: some row is at the border


def test_pace_is_constant_and_then_falls_to_zero() -> None:
    paces = [trapezoid(step, 100) for step in range(101)]
    assert paces[:60] == [1.0] * 60
    assert paces[80] == pytest.approx(0.5)
    assert paces[100] == 0.0
