"""Generators learn from each critic; critics stay within what they promise."""

import numpy as np
import pytest
import torch

from benchmarks.paper.data import digits
from benchmarks.paper.generator import interval
from benchmarks.paper.generators import (
    CLIP,
    CRITICS,
    Sizes,
    clipped,
    generated,
    generator_network,
    trained_generator,
)

SMALL = Sizes(width=32, steps=60)


@pytest.mark.parametrize("critic", CRITICS)
def test_every_critic_brings_the_generator_nearer_to_the_images(critic: str) -> None:
    real = digits().train_x
    torch.manual_seed(0)
    before = generated(generator_network(64, SMALL.width), 500, seed=1)
    after = generated(trained_generator(critic, real, SMALL, seed=0), 500, seed=1)
    # W1 is at least the distance of the means.
    far, near = ((side.mean(0) - real.mean(0)).norm() for side in (before, after))
    assert near < 0.9 * far


def test_a_frozen_generator_gives_the_same_images_for_a_seed() -> None:
    generator = generator_network(64, 8)
    torch.testing.assert_close(
        generated(generator, 5, seed=3), generated(generator, 5, seed=3)
    )
    assert not torch.equal(generated(generator, 5, 3), generated(generator, 5, 4))


def test_clipping_bounds_every_weight() -> None:
    def pair() -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(16, 4), torch.rand(16, 4)

    critic = next(clipped(pair, 4, Sizes(8, 1), 0))
    assert isinstance(critic, torch.nn.Module)
    assert (
        max(float(p.detach().abs().max()) for p in critic.parameters()) <= CLIP + 1e-6
    )


def test_intervals_join_sampling_and_seeds() -> None:
    runs = [{"estimate": 1.0, "standard_error": 0.3},
            {"estimate": 1.8, "standard_error": 0.3}]  # fmt: skip
    mean, half = interval(runs)
    assert mean == pytest.approx(1.4)
    assert half == pytest.approx(1.96 * np.sqrt(0.09 + 0.32))
