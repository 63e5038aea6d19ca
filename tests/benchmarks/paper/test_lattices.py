"""The universal-approximation construction is exact, closed, and 1-Lipschitz."""

import pytest
import torch

from benchmarks.paper.lattices import MaxMin, interpolant, joined
from benchmarks.paper.universality import random_max_min
from kantor.models.critic import lipschitz_bound


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def draws(n: int, dim: int) -> torch.Tensor:
    return torch.randn(n, dim, generator=generator(), dtype=torch.float64)


def test_the_formula_is_a_maximum_of_minima() -> None:
    slopes = torch.tensor([[[1.0], [-1.0]], [[0.5], [0.5]]], dtype=torch.float64)
    form = MaxMin(slopes, torch.tensor([[0.0, 1.0], [0.0, -3.0]]).double())
    # max(min(x, 1 - x), min(x / 2, x / 2 - 3)) at 0.25, 2 and 8
    x = torch.tensor([[0.25], [2.0], [8.0]]).double()
    assert form(x).tolist() == [0.25, -1.0, 1.0]


@pytest.mark.parametrize(("m", "dim"), [(2, 1), (3, 5), (8, 64)])
def test_the_network_is_its_max_min_form(m: int, dim: int) -> None:
    form = random_max_min(m, dim, generator())
    x = draws(500, dim)
    # Rounding of sums over the features alone.
    torch.testing.assert_close(form.as_network()(x)[0], form(x), rtol=0.0, atol=1e-13)


@pytest.mark.parametrize(("m", "dim"), [(2, 1), (3, 5), (8, 64)])
def test_the_network_is_certified_with_constant_one(m: int, dim: int) -> None:
    network = random_max_min(m, dim, generator()).as_network()
    assert float(lipschitz_bound(network)[0]) == pytest.approx(1.0, abs=1e-8)


def test_interpolates_a_1_lipschitz_function_without_exceeding_its_slope() -> None:
    points = draws(12, 3)
    values = points.norm(dim=1)
    network = interpolant(points, values).as_network()
    torch.testing.assert_close(network(points)[0], values, rtol=0.0, atol=1e-12)
    assert float(lipschitz_bound(network)[0]) <= 1.0 + 1e-8


@pytest.mark.parametrize("maximum", [True, False])
def test_maximum_and_minimum_of_networks_are_networks(maximum: bool) -> None:
    forms = [random_max_min(3, 4, generator())]
    forms.append(MaxMin(-forms[0].slopes, forms[0].offsets.flip(0)))
    f, g = (form.as_network() for form in forms)
    both = joined(f, g, maximum=maximum)
    x = draws(500, 4)
    wanted = torch.stack([f(x)[0], g(x)[0]])
    expected = wanted.amax(0) if maximum else wanted.amin(0)
    torch.testing.assert_close(both(x)[0], expected, rtol=0.0, atol=1e-13)
    assert float(lipschitz_bound(both)[0]) == pytest.approx(1.0, abs=1e-8)


def test_networks_of_other_groups_are_not_joined() -> None:
    f, g = (random_max_min(m, 2, generator()).as_network() for m in (2, 3))
    with pytest.raises(ValueError, match="activation of the first"):
        joined(f, g, maximum=True)
