"""The race counts the work alone, and looks at it until the budget is spent."""

import time

import numpy as np
import pytest
import torch

from benchmarks.paper.racing import (
    LOOKS,
    Stopwatch,
    followed,
    looking_times,
    tightness,
)
from benchmarks.problems import cones
from kantor.models.activations import Activation
from kantor.models.network import Network

PAIR = cones("abs", np.zeros((1, 1)))


def work(seconds: float) -> float:
    """Use the processor for a while."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return 1.0


def best_critic(slope: float = 1.0) -> Network:
    """Return f(x) = -slope |x|, by absolute values of one unit."""
    weights = (torch.tensor([[[slope]]]), torch.tensor([[[-1.0]]]))
    return Network(weights, (torch.zeros(1, 1, 1),), (Activation("abs"),))


def test_looks_take_no_time_of_the_race() -> None:
    watch = Stopwatch()
    work(0.05)
    assert watch.unmeasured(lambda: work(0.5)) == 1.0
    assert 0.05 <= watch.used_s < 0.4


def test_looks_are_spread_over_the_whole_budget() -> None:
    curve = followed(
        (lambda: best_critic() for _ in iter(lambda: work(0.002), None)),
        lambda _: 0.5, Stopwatch(), 0.3,
    )  # fmt: skip
    used = [time_s for time_s, _, _ in curve]
    assert len(curve) == LOOKS
    assert used == sorted(used)
    assert used[-1] >= looking_times(0.3)[-1] == pytest.approx(0.3)


@pytest.mark.parametrize("slope", [1.0, 3.0])
def test_tightness_is_certified_whatever_the_slope(slope: float) -> None:
    fresh = PAIR.sample(500, np.random.default_rng(0))
    assert tightness(best_critic(slope), PAIR, fresh) == pytest.approx(1.0, abs=1e-6)
