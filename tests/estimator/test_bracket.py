"""The bracket of the given samples holds at any size, weighted or not."""

import numpy as np
import pytest
import torch

from estimator import EstimateConfig, EstimationStopped
from estimator.bracket import sample_bracket
from estimator.evaluation import EvaluatedCritic, evaluated
from estimator.sides import Sides, split_sides
from models.critic import affine_critic


def sides(n: int, shift: float) -> Sides:
    x, y = np.random.default_rng(0).normal(size=(2, n, 2))
    return split_sides(x + np.array([shift, 0.0]), y, EstimateConfig())


def along_the_first_axis() -> EvaluatedCritic:
    return evaluated(affine_critic(torch.tensor([1.0, 0.0])))


@pytest.mark.parametrize("n", [500, 2500])
def test_encloses_the_distance_of_a_long_shift(n: int) -> None:
    lower, upper, how = sample_bracket([along_the_first_axis()], sides(n, 9.0))
    # The affine critic is optimal up to what is across the shift.
    assert 0.0 < lower <= upper <= 1.02 * lower
    assert ("not exact" in how) == (n > 2000)


def test_weights_count_on_both_sides() -> None:
    both = sides(500, 9.0)
    a = np.where(both.x[:, 0] > 9.0, 1.0, 0.0)
    weights = a / a.sum(), None
    lower, upper, _ = sample_bracket([along_the_first_axis()], both, weights=weights)
    shift = both.x[a > 0, 0].mean() - both.y[:, 0].mean()
    assert lower == pytest.approx(shift, rel=1e-6)
    assert lower <= upper <= 1.02 * lower


def test_stops_when_told() -> None:
    with pytest.raises(EstimationStopped) as stopped:
        sample_bracket(
            [along_the_first_axis()], sides(2500, 1.0), should_stop=lambda: True
        )
    assert stopped.value.checkpoint is None
