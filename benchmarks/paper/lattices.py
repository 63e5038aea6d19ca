"""The universal-approximation construction: max-min of affine functions as a network.

Affine functions of slope at most 1 are rows of a first layer whose l2 norm is at most 1
(constant 1 from l2 to linf). From there on rows pick single units (L1 norm 1: constant
1 in linf), and GroupSort, which sorts each group, has a group's minimum first and its
maximum last. So

    f(x) = max_i min_j <a_ij, x> + b_ij,    ||a_ij|| <= 1,

is a norm-constrained GroupSort network, exactly (Anil, Lucas & Grosse 2019); by the
lattice form of the Stone-Weierstrass theorem such f come as
near as wanted to every 1-Lipschitz function on a compact set: see `interpolant`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from kantor.models.activations import Activation
from kantor.models.network import Network


@dataclass(frozen=True)
class MaxMin:
    """f(x) = max_i min_j <a_ij, x> + b_ij.

    Attributes:
        slopes: a (m, m, d), each of l2 norm at most 1.
        offsets: b (m, m).
    """

    slopes: Tensor
    offsets: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate rows (n, d) -> (n,), by the formula."""
        planes = torch.einsum("nd,ijd->nij", x, self.slopes) + self.offsets
        return planes.amin(2).amax(1)

    def as_network(self) -> Network:
        """Return the network that is this function.

        Two hidden layers of m^2 units in groups of m: affine functions sorted, then
        each group's minimum, copied m times, sorted. The last row picks the maximum of
        all minima. m >= 2, since groups of one do not sort.
        """
        m, _, dim = self.slopes.shape
        planes = self.slopes.reshape(m * m, dim)
        minima = picking([m * i for i in range(m)] * m, m * m).to(planes)
        maximum = picking([m - 1], m * m).to(planes)
        offsets = self.offsets.reshape(1, 1, m * m)
        return Network(
            weights=(planes[None], minima[None], maximum[None]),
            biases=(offsets, torch.zeros_like(offsets)),
            activations=(Activation("groupsort", m),),
            path="mixed",
        )


def picking(units: list[int], width: int) -> Tensor:
    """Return rows that each pick one of `width` units."""
    rows = torch.zeros(len(units), width)
    rows[torch.arange(len(units)), torch.tensor(units)] = 1.0
    return rows


def interpolant(points: Tensor, values: Tensor) -> MaxMin:
    """Return the max-min of affine functions that takes given values at given points.

    For each pair of points there is an affine g_ij of slope at most 1 with the wanted
    values at both, along the line between them. min_j g_ij is right at point i and
    nowhere too high at the points, so that max_i min_j g_ij is right at all of them:
    the step of the Stone-Weierstrass proof that only needs a lattice.

    Args:
        points: (m, d), no two alike.
        values: (m,), of a 1-Lipschitz function.
    """
    apart = points[None, :, :] - points[:, None, :]  # x_j - x_i
    squares = apart.square().sum(-1)
    squares.fill_diagonal_(1.0)
    rise = values[None, :] - values[:, None]
    slopes = (rise / squares)[..., None] * apart
    offsets = values[:, None] - (slopes * points[:, None, :]).sum(-1)
    return MaxMin(slopes, offsets)


def joined(first: Network, second: Network, *, maximum: bool) -> Network:
    """Return max(f, g) or min(f, g) of two networks as one network, in the mixed path.

    The lattice is closed: both run side by side, block by block, and one more layer
    sorts their two values.

    Args:
        first: f, with as many layers as g, and groups of the same size, of two norms:
            l2 to linf first, linf from there on.
        second: g.
        maximum: max rather than min.

    Raises:
        ValueError: The networks differ in depth or activation.
    """
    if (len(first.biases), first.activations) != (
        len(second.biases),
        second.activations,
    ):
        raise ValueError(
            "second: expected a network of the depth and activation of the first, "
            f"received {len(second.biases)} layers of {second.activations}"
        )
    size = first.activations[0].group_size
    pairs = list(zip(first.weights, second.weights, strict=True))
    hidden = [torch.cat(pairs[0], dim=1), *(blocks(v, w) for v, w in pairs[1:-1])]
    values = blocks(*pairs[-1])  # (1, 2, width)
    both = values.repeat_interleave(torch.tensor([size - 1, 1]), dim=1)
    chosen = picking([size - 1 if maximum else 0], size).to(both)
    biases = [
        torch.cat(b, dim=2) for b in zip(first.biases, second.biases, strict=True)
    ]
    return Network(
        weights=(*hidden, both, chosen[None]),
        biases=(*biases, both.new_zeros(1, 1, size)),
        activations=first.activations,
        path="mixed",
    )


def blocks(first: Tensor, second: Tensor) -> Tensor:
    """Return the block-diagonal matrix of two, each (1, rows, columns)."""
    (rows, columns), shape = first.shape[1:], second.shape[1:]
    joint = first.new_zeros(1, rows + shape[0], columns + shape[1])
    joint[:, :rows, :columns], joint[:, rows:, columns:] = first, second
    return joint
