"""Critics of one scalar feature: slope at most what is certified, flat beyond knots."""

import numpy as np
import pytest
import torch
from torch import Tensor

from kantor.models.critic import lipschitz_bound
from kantor.models.profiles import Profiles
from kantor.models.vocabulary import Norm

ORDERS = {"l2": 2.0, "linf": float("inf")}


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def profiles(norm: Norm, *, knots: int = 20) -> Profiles:
    """Return a projection and a radius whose slopes are anything in [-1, 1]."""
    at = gaussian(2, 1, knots, seed=1).sort(dim=-1).values
    slopes = gaussian(2, 1, knots - 1, seed=2).clamp(-1.0, 1.0)
    zero = at.new_zeros(2, 1, 1)
    heights = torch.cat([zero, (slopes * at.diff(dim=-1)).cumsum(-1)], dim=-1)
    points = gaussian(2, 1, 5, seed=3)
    points[0] /= points[0].norm(p=2.0 if norm == "l2" else 1.0)
    return Profiles(points, at, heights, (False, True), norm)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("step", [1e-7, 1e-2, 1.0])
def test_no_pair_of_points_exceeds_the_certificate(norm: Norm, step: float) -> None:
    critics, x = profiles(norm), gaussian(2000, 5, seed=4)
    y = x + step * gaussian(2000, 5, seed=5)
    change = (critics(x) - critics(y)).abs()
    lengths = torch.linalg.vector_norm(x - y, ORDERS[norm], dim=-1)
    # Values of size 1 round to about 1e-16, several times.
    assert (change <= lipschitz_bound(critics)[:, None] * lengths + 4e-15).all()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_certificate_is_the_largest_slope_times_the_features(norm: Norm) -> None:
    critics = profiles(norm)
    points, at, heights = critics.tensors()
    steeper = critics.with_tensors([2.0 * points, at, 3.0 * heights])
    expected = lipschitz_bound(critics) * torch.tensor([6.0, 3.0])
    torch.testing.assert_close(lipschitz_bound(steeper), expected.double())


def test_is_interpolation_between_knots_and_flat_beyond() -> None:
    critics, x = profiles("l2"), 10.0 * gaussian(500, 5, seed=6)
    for k, feature in enumerate(critics.features(x.expand(2, -1, -1))):
        expected = np.interp(feature, critics.knots[k, 0], critics.heights[k, 0])
        np.testing.assert_allclose(critics(x)[k], expected, atol=1e-13)


def test_members_of_a_batch_are_what_they_are_alone() -> None:
    critics, x = profiles("l2"), gaussian(2, 30, 5, seed=7)
    together = critics(x)
    for k in range(2):
        alone = critics.select([k])
        torch.testing.assert_close(alone(x[k : k + 1])[0], together[k])
        assert alone.radial == (critics.radial[k],)
