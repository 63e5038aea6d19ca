"""Polar factors, Björck iterations and the Stiefel manifold, against the SVD."""

import pytest
import torch
from torch import Tensor

from kantor.models import orthonormal
from kantor.models.norms import orthonormality_defect, spectral_norm

SHAPES = [(3, 8, 8), (2, 12, 5), (2, 5, 12), (2, 1, 9)]


def gaussian(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def orthonormal_matrix(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return orthonormal.random_orthonormal(
        shape, generator=generator, dtype=torch.float64
    )


def exact_polar_factor(w: Tensor) -> Tensor:
    u, _, vh = torch.linalg.svd(w, full_matrices=False)
    product: Tensor = u @ vh
    return product


@pytest.mark.parametrize("shape", SHAPES)
def test_polar_factor_agrees_with_the_svd(shape: tuple[int, ...]) -> None:
    w = gaussian(shape)
    assert torch.allclose(orthonormal.polar_factor(w), exact_polar_factor(w), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_direction_has_spectral_norm_near_one(shape: tuple[int, ...]) -> None:
    norms = spectral_norm(orthonormal.polar_factor(gaussian(shape), iterations=5))
    assert ((norms > 0.87) & (norms < 1.13)).all()  # documented range of 5 iterations


def test_polar_factor_of_zero_is_zero() -> None:
    assert not orthonormal.polar_factor(torch.zeros(2, 4, 3)).any()


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_bjorck_converges_to_the_polar_factor(
    shape: tuple[int, ...], order: int
) -> None:
    w = orthonormal.safe_scaled(gaussian(shape))
    result = orthonormal.bjorck(w, iterations=40, order=order)
    assert torch.allclose(result, exact_polar_factor(w), atol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_higher_order_converges_in_fewer_iterations(order: int) -> None:
    w = orthonormal.safe_scaled(gaussian((1, 8, 8)))
    coarse = orthonormality_defect(orthonormal.bjorck(w, iterations=5, order=order))
    fine = orthonormality_defect(orthonormal.bjorck(w, iterations=5, order=order + 1)
    ) if order < 4 else torch.zeros(1)  # fmt: skip
    assert (fine < coarse).all()


@pytest.mark.parametrize("iterations", [0, 1, 5, 20])
def test_bjorck_stopped_early_stays_below_one(iterations: int) -> None:
    w = orthonormal.safe_scaled(gaussian((4, 16, 16)))
    norms = spectral_norm(orthonormal.bjorck(w, iterations=iterations))
    assert (norms <= 1 + 1e-12).all()


def test_bjorck_is_differentiable() -> None:
    w = orthonormal.safe_scaled(gaussian((1, 4, 3))).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda v: orthonormal.bjorck(v, iterations=4, order=2), w
    )


def test_bjorck_refuses_an_unknown_order() -> None:
    with pytest.raises(ValueError, match="order in 1 to 4, received 5"):
        orthonormal.bjorck(gaussian((1, 3, 3)), iterations=1, order=5)


@pytest.mark.parametrize("shape", SHAPES)
def test_safe_scaling_bounds_the_spectral_norm(shape: tuple[int, ...]) -> None:
    assert (spectral_norm(orthonormal.safe_scaled(1e3 * gaussian(shape))) <= 1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tangent_step_changes_orthonormality_to_second_order(
    shape: tuple[int, ...],
) -> None:
    w = orthonormal_matrix(shape)
    direction = orthonormal.tangent(w, gaussian(shape, seed=1))
    size = spectral_norm(direction)
    for step in (1e-2, 1e-3):
        defect = orthonormality_defect(w + step * direction)
        assert (defect <= (step * size) ** 2 * (1 + 1e-6) + 1e-12).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_retraction_lands_on_the_manifold(shape: tuple[int, ...]) -> None:
    w = orthonormal_matrix(shape) + 0.02 * orthonormal.polar_factor(gaussian(shape))
    assert (orthonormality_defect(orthonormal.retract(w)) < 1e-9).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_random_orthonormal_is_orthonormal(shape: tuple[int, ...]) -> None:
    assert (orthonormality_defect(orthonormal_matrix(shape)) < 1e-13).all()


@pytest.mark.parametrize("size", [1e-15, 1e15, 1e30])
def test_a_polar_factor_is_of_every_size(size: float) -> None:
    w = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        orthonormal.polar_factor(size * w),
        orthonormal.polar_factor(w),
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize("size", [1e-44, 1e-37, 1e-30, 1e-24, 1e-20])
def test_what_is_negligible_has_no_direction(size: float) -> None:
    w = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    assert not orthonormal.polar_factor(size * w).any()
