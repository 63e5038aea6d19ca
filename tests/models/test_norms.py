"""Operator norms in closed form, against their definition."""

import pytest
import torch
from torch import Tensor

from kantor.models.norms import (
    orthonormality_defect,
    row_l1_norm,
    row_l2_norm,
    spectral_norm,
)

CASES = [(spectral_norm, 2.0, 2.0), (row_l1_norm, float("inf"), float("inf")),
         (row_l2_norm, 2.0, float("inf"))]  # fmt: skip


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def stretch(w: Tensor, z: Tensor, p: float, q: float) -> Tensor:
    before: Tensor = torch.linalg.vector_norm(z, p, dim=-1)
    after: Tensor = torch.linalg.vector_norm(z @ w.mT, q, dim=-1)
    return after / before


@pytest.mark.parametrize(("norm", "p", "q"), CASES)
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (1, 4), (4, 1)])
def test_bounds_what_a_matrix_stretches(
    norm: type, p: float, q: float, shape: tuple[int, int]
) -> None:
    w = gaussian(*shape)
    stretched = stretch(w, gaussian(3000, shape[1], seed=1), p, q)
    assert (stretched <= norm(w) * (1 + 1e-14)).all()  # rounding


def test_norms_are_attained() -> None:
    w = gaussian(5, 3)
    top = torch.linalg.svd(w).Vh[0]
    longest = w[w.norm(dim=-1).argmax()]
    signs = w[w.abs().sum(-1).argmax()].sign()
    infinity = float("inf")
    assert torch.isclose(stretch(w, top, 2.0, 2.0), spectral_norm(w))
    assert torch.isclose(stretch(w, longest, 2.0, infinity), row_l2_norm(w))
    assert torch.isclose(stretch(w, signs, infinity, infinity), row_l1_norm(w))


def test_members_of_a_batch_are_measured_apart() -> None:
    w = torch.stack([torch.eye(3), 2 * torch.eye(3)])
    assert spectral_norm(w).tolist() == [1.0, 2.0]
    assert orthonormality_defect(w).tolist() == [0.0, 3.0]


def test_what_is_not_finite_has_an_infinite_norm() -> None:
    w = torch.eye(3).repeat(2, 1, 1)
    w[1, 0, 0] = float("nan")
    assert spectral_norm(w).tolist() == [1.0, float("inf")]
