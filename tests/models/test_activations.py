"""Activations are 1-Lipschitz; the sorting ones keep gradient norms."""

from typing import get_args

import pytest
import torch

from kantor.models.activations import Activation, group_sort, max_min
from kantor.models.vocabulary import ActivationName

GROUP_SIZES = [1, 2, 3, 4, 6, 12]


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("group_size", GROUP_SIZES)
def test_each_group_is_sorted(group_size: int) -> None:
    z = gaussian(5, 7, 12)
    groups = group_sort(z, group_size).reshape(5, 7, -1, group_size)
    expected = z.reshape(5, 7, -1, group_size).sort(-1).values
    assert torch.equal(groups, expected)


@pytest.mark.parametrize("group_size", GROUP_SIZES)
def test_jacobian_is_a_permutation_matrix(group_size: int) -> None:
    z = gaussian(12)
    jacobian = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
        lambda v: group_sort(v, group_size), z
    )
    assert torch.equal(jacobian.sum(0), torch.ones(12, dtype=torch.float64))
    assert torch.equal(jacobian.sum(1), torch.ones(12, dtype=torch.float64))
    assert set(jacobian.flatten().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("p", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("group_size", GROUP_SIZES)
def test_never_expands_a_distance(group_size: int, p: float) -> None:
    a, b = gaussian(500, 12, seed=1), gaussian(500, 12, seed=2)
    before = torch.linalg.vector_norm(a - b, p, dim=-1)
    after = torch.linalg.vector_norm(
        group_sort(a, group_size) - group_sort(b, group_size), p, dim=-1
    )
    assert (after <= before * (1 + 1e-14)).all()  # rounding of two sums


def test_max_min_equals_a_sort_of_pairs_with_ties() -> None:
    z = torch.tensor([[1.0, 1.0, 2.0, -2.0]], requires_grad=True)
    assert max_min(z).tolist() == [[1.0, 1.0, -2.0, 2.0]]
    max_min(z).sum().backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert z.grad.tolist() == [[1.0, 1.0, 1.0, 1.0]]


@pytest.mark.parametrize("group_size", [0, 5, 24])
def test_refuses_a_group_size_that_does_not_divide(group_size: int) -> None:
    with pytest.raises(ValueError, match=r"divisor of width 12, received"):
        group_sort(gaussian(3, 12), group_size)


NAMES = get_args(ActivationName)
KEEPING = ("groupsort", "maxmin", "fullsort", "abs")


@pytest.mark.parametrize("p", [2.0, float("inf")])
@pytest.mark.parametrize("name", NAMES)
def test_every_activation_is_one_lipschitz(name: ActivationName, p: float) -> None:
    activation = Activation(name, 3 if name in ("groupsort", "maxout") else 2)
    a = gaussian(2000, 12, seed=1)
    for size in (1e-3, 1.0, 30.0):
        b = a + size * gaussian(2000, 12, seed=2)
        before = torch.linalg.vector_norm(a - b, p, dim=-1)
        after = torch.linalg.vector_norm(activation(a) - activation(b), p, dim=-1)
        assert (after <= before * (1 + 1e-12) + 1e-14).all()  # rounding of values


def gradient_norms(name: ActivationName) -> torch.Tensor:
    """Pull unit vectors back through an activation; return their norms."""
    z = gaussian(200, 12).requires_grad_()
    up = torch.nn.functional.normalize(gaussian(200, 12, seed=3), dim=-1)
    (gradient,) = torch.autograd.grad((Activation(name)(z) * up).sum(), z)
    norms: torch.Tensor = torch.linalg.vector_norm(gradient, dim=-1)
    return norms


@pytest.mark.parametrize("name", NAMES)
def test_sorting_and_abs_alone_keep_gradient_norms(name: ActivationName) -> None:
    if name == "maxout":  # has fewer outputs
        return
    norms = gradient_norms(name)
    assert torch.allclose(norms, torch.ones_like(norms)) == (name in KEEPING)


def test_sigmoid_has_slope_one_at_zero() -> None:
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(Activation("sigmoid")(z), z)
    assert float(slope) == 1.0


def test_maxout_keeps_the_largest_of_each_group() -> None:
    z = torch.tensor([[1.0, 5.0, 2.0, -3.0, -1.0, -2.0]])
    assert Activation("maxout", 3)(z).tolist() == [[5.0, -1.0]]
    assert Activation("maxout", 3).output_width(6) == 2


def test_refuses_an_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"expected one of .* received 'gelu'"):
        Activation("gelu")  # type: ignore[arg-type]
