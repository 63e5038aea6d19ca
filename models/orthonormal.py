"""Orthonormal weights: polar factors, Björck iterations, steps on the Stiefel manifold.

A weight W (K, rows, columns) is called orthonormal when its shorter side is:
W W^T = I for rows <= columns, W^T W = I otherwise. Its polar factor U V^T (for
W = U S V^T) is the nearest orthonormal matrix in the Frobenius norm. All functions map
a batch of matrices (..., rows, columns) to one of the same shape and never mix members
of the batch.
"""

import math

import torch
from torch import Tensor

BJORCK_COEFFICIENTS = {
    order: tuple(
        math.prod(range(1, 2 * i, 2)) / math.prod(range(2, 2 * i + 1, 2))
        for i in range(order + 1)
    )
    for order in (1, 2, 3, 4)
}
"""Taylor coefficients of (1 - q)^(-1/2): W <- W sum_i c_i Q^i with Q = I - W^T W.

Björck & Bowie (1971), "An iterative algorithm for computing the best estimate of an
orthogonal matrix"; order p converges with power p + 1.
"""

POLAR_EXPRESS_COEFFICIENTS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
    (1.875, -1.25, 0.375),
)
"""Degree-5 polynomials p(s) = a s + b s^3 + c s^5 that send [1e-3, 1] to 1.

Amsel, Persson, Musco & Gower (2025), "The Polar Express", arXiv:2505.16932.
"""

NEGLIGIBLE = 1e-18
"""Largest entry of a matrix that counts as zero: the gradient of a unit that idles.

It has no direction worth following, and its square is no number of float32.
"""


def polar_factor(w: Tensor, *, iterations: int = 8) -> Tensor:
    """Approximate the polar factor of w by Polar Express iterations.

    Singular values above about 1e-3 of the Frobenius norm go to 1: within [0.87, 1.13]
    after 5 iterations, to working precision after 8. Smaller ones come out below 1; a
    zero matrix stays zero, and one of entries up to `NEGLIGIBLE` becomes zero. Not
    differentiable in practice (no gradient is intended).

    Args:
        w: Matrices (..., rows, columns).
        iterations: In [1, 8]. Five serve for a direction, eight for a constraint.
    """
    wide = w.shape[-2] <= w.shape[-1]
    x = w if wide else w.mT
    largest = x.abs().amax((-2, -1), keepdim=True)
    x = torch.where(largest > NEGLIGIBLE, x / largest, torch.zeros_like(x))
    x = x / (1.01 * x.square().sum((-2, -1), keepdim=True).sqrt() + 1e-30)
    if x.shape[-2] == 1:  # its one singular value is 1 / 1.01
        x = 1.01 * _expressed(1.0 / 1.01, iterations) * x
        return x if wide else x.mT
    batch = x.reshape(-1, *x.shape[-2:])
    for a, b, c in POLAR_EXPRESS_COEFFICIENTS[:iterations]:
        batch = _quintic(batch, a, b, c)
    x = batch.reshape(x.shape)
    return x if wide else x.mT


def _expressed(s: float, iterations: int) -> float:
    """Return what Polar Express iterations make of a singular value."""
    for a, b, c in POLAR_EXPRESS_COEFFICIENTS[:iterations]:
        s = a * s + b * s**3 + c * s**5
    return s


def _quintic(x: Tensor, a: float, b: float, c: float) -> Tensor:
    """Return a x + b x x^T x + c (x x^T)^2 x for matrices (K, rows, columns)."""
    gram = torch.bmm(x, x.mT)
    odd = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    return torch.baddbmm(x, odd, x, beta=a)


def bjorck(w: Tensor, *, iterations: int, order: int = 1) -> Tensor:
    """Orthonormalize w by differentiable Björck iterations.

    Repeats W <- W (I + c_1 Q + ... + c_p Q^p) with Q = I - W^T W. Converges to the
    polar factor when all singular values lie in (0, sqrt(3)) for order 1; from values
    in [0, 1] they stay in [0, 1], so stopping early leaves the layer 1-Lipschitz, only
    less tight. It does not tell whether it has converged: see `kantor.models.norms`.

    Args:
        w: Matrices (..., rows, columns), scaled to spectral norm <= 1 (`safe_scaled`).
        iterations: At least 0; the paper uses 20 and more.
        order: In {1, 2, 3, 4}.

    Raises:
        ValueError: For another order.
    """
    if order not in BJORCK_COEFFICIENTS:
        raise ValueError(f"expected an order in 1 to 4, received {order}")
    wide = w.shape[-2] <= w.shape[-1]
    x = w if wide else w.mT
    identity = torch.eye(x.shape[-2], dtype=x.dtype, device=x.device)
    coefficients = BJORCK_COEFFICIENTS[order]
    for _ in range(iterations):
        q = identity - x @ x.mT
        series = coefficients[-1] * identity
        for c in reversed(coefficients[:-1]):  # Horner's rule in the matrix Q
            series = c * identity + series @ q
        x = series @ x
    return x if wide else x.mT


def safe_scaled(w: Tensor) -> Tensor:
    """Divide w by sqrt(||W||_1 ||W||_inf), an upper bound of its spectral norm.

    Tighter than the factor sqrt(rows * columns) of the paper's code, and as safe.
    """
    largest_column = w.abs().sum(-2).amax(-1)
    largest_row = w.abs().sum(-1).amax(-1)
    bound = (largest_column * largest_row).sqrt()
    return w / bound.clamp_min(torch.finfo(w.dtype).tiny)[..., None, None]


def tangent(w: Tensor, gradient: Tensor) -> Tensor:
    """Project a gradient to the tangent space of the Stiefel manifold at w.

    For W^T W = I: G - W sym(W^T G); for W W^T = I its transpose. What is removed would
    only change singular values, which the retraction undoes anyway.
    """
    if w.shape[-2] <= w.shape[-1]:
        product = gradient @ w.mT
        return gradient - 0.5 * (product + product.mT) @ w
    product = w.mT @ gradient
    return gradient - 0.5 * w @ (product + product.mT)


def retract(w: Tensor, *, iterations: int = 2) -> Tensor:
    """Return a nearly orthonormal w to the Stiefel manifold by Newton-Schulz steps.

    s -> (15 s - 10 s^3 + 3 s^5) / 8 for each singular value s: cubic convergence to 1,
    so two steps bring 1 +- 0.05 to 1 within float32 rounding. For s in (0, 1.6) only.
    """
    wide = w.shape[-2] <= w.shape[-1]
    x = w if wide else w.mT
    batch = x.reshape(-1, *x.shape[-2:])
    for _ in range(iterations):
        batch = _quintic(batch, 1.875, -1.25, 0.375)
    x = batch.reshape(x.shape)
    return x if wide else x.mT


def random_orthonormal(
    shape: tuple[int, ...], *, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Draw orthonormal matrices (..., rows, columns) from the uniform distribution."""
    rows, columns = shape[-2:]
    tall = (*shape[:-2], max(rows, columns), min(rows, columns))
    gaussian = torch.randn(tall, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    columns_q: Tensor = q * r.diagonal(dim1=-2, dim2=-1).sign()[..., None, :]
    return (columns_q if rows >= columns else columns_q.mT).to(dtype)
