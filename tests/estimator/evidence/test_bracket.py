"""The bracket of the given samples holds at any size, weighted or not."""

import numpy as np
import pytest
import torch

from kantor.estimator import EstimateConfig, EstimationStopped
from kantor.estimator.evidence.bracket import Bracket, sample_bracket
from kantor.estimator.evidence.certified import evaluated
from kantor.estimator.evidence.held_out import Witness, witness_of
from kantor.estimator.samples.folds import Partition, partitioned
from kantor.estimator.samples.pair import Pair
from kantor.models.network import affine_network
from kantor.models.vocabulary import Norm


def shifted(n: int, shift: float) -> Pair:
    x, y = np.random.default_rng(0).normal(size=(2, n, 2))
    return Pair(x + np.array([shift, 0.0]), y)


def witness(partition: Partition) -> Witness:
    """Return the affine critic along the first axis on a pair."""
    critic = evaluated(affine_network(torch.tensor([1.0, 0.0])), "affine")
    return witness_of(critic, partition.pair, partition.folds[0])


def found(pair: Pair, *, stop: bool = False, norm: Norm = "l2") -> Bracket:
    partition = partitioned(pair, EstimateConfig())
    return sample_bracket(
        [witness(partition)],
        partition,
        norm=norm,
        seed=0,
        sweeps=3,
        should_stop=lambda: stop,
    )


def bracket(pair: Pair, *, norm: Norm = "l2") -> tuple[float, float, str]:
    both = found(pair, norm=norm)
    assert both.lower is not None
    assert both.upper is not None
    return both.lower, both.upper, both.how


@pytest.mark.parametrize("n", [500, 2500])
def test_encloses_the_distance_of_a_long_shift(n: int) -> None:
    lower, upper, how = bracket(shifted(n, 9.0))
    # The affine critic is optimal up to what is across the shift.
    assert 0.0 < lower <= upper <= 1.02 * lower
    assert ("not exact" in how) == (n > 2000)


def test_weights_count_on_both_sides() -> None:
    pair = shifted(500, 9.0)
    first, other = (np.asarray(side, float)[:, 0] for side in (pair.x, pair.y))
    right = first > 9.0
    lower, upper, _ = bracket(Pair(pair.x, pair.y, x_weights=right.astype(float)))
    shift = first[right].mean() - other.mean()
    assert lower == pytest.approx(shift, rel=1e-5)  # allowance for rounding: 1e-6
    assert lower <= upper <= 1.02 * lower


def test_stops_when_told() -> None:
    with pytest.raises(EstimationStopped) as stopped:
        found(shifted(2500, 1.0), stop=True)
    assert stopped.value.checkpoint is None


def test_linf_says_that_lengths_are_larger() -> None:
    _, upper, how = bracket(shifted(200, 9.0), norm="linf")
    assert upper >= 9.0 - 0.5
    assert "lengths in l2" in how


def test_distances_that_overflow_leave_no_upper_bound() -> None:
    pair = shifted(200, 9.0)
    test_row = partitioned(pair, EstimateConfig()).folds[0].x.test[0]
    pair.x[test_row] = 1e200
    both = found(pair)
    assert both.lower is not None
    assert np.isfinite(both.lower)
    assert both.upper is None
    assert "too far" in both.how
