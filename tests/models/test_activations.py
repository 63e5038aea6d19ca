"""GroupSort permutes within groups, keeps norms and gradients' norms."""

import pytest
import torch

from models.activations import group_sort, max_min

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
    jacobian = torch.autograd.functional.jacobian(
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
