"""Noise on samples: as long as each fold asks for, and the same whenever asked."""

import torch

from kantor.estimator.training.steps import jittered

FOLDS, ROWS, DIM = 2, 4000, 9


def test_each_fold_s_noise_is_of_its_own_length() -> None:
    samples = torch.randn(FOLDS, ROWS, DIM)
    moves = jittered(samples, (0.5, 2.0), 3) - samples
    lengths = moves.square().sum(-1).mean(-1).sqrt()
    # A mean of 4,000 squares of 9 features errs by 0.7 %, its root by half of that.
    assert torch.allclose(lengths, torch.tensor([0.5, 2.0]), rtol=0.03)


def test_noise_is_a_function_of_the_seed() -> None:
    samples = torch.zeros(1, ROWS, DIM)
    first, again, other = (jittered(samples, (1.0,), seed) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_noise_of_no_length_moves_nothing() -> None:
    samples = torch.randn(FOLDS, 5, DIM)
    moved = jittered(samples, (0.0, 1.0), 1)
    assert torch.equal(moved[0], samples[0])
    assert not torch.equal(moved[1], samples[1])


def test_noise_does_not_lean_to_any_side() -> None:
    moved = jittered(torch.zeros(1, ROWS, DIM), (1.0,), 2)
    # Standard error of the mean of 4,000 values of deviation 1/3: 0.005.
    assert moved.mean(1).abs().max() < 0.025
