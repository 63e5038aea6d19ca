"""Pairs of distributions with W1 known exactly, on any data: rows moved along rays.

A function u whose slope is 1 along the ray from y towards x = y - s grad u(y), with
u(y) - u(x) = |y - x| = s, moves y optimally if it is 1-Lipschitz: W1(P, Q) = E s for y
of law Q and x of law P, and -u is an optimal potential. Two kinds of u are here: the
distance to closed sets, and `OrthonormalNetwork`, whose ray is followed up to the
border of its linear region.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.closed_sets import Array, DistanceToSets, Pair, chunks

Rng = np.random.Generator
Draw = Callable[[int, Rng], Array]
"""(n, rng) -> independent rows (n, d) of one law."""

Travel = Callable[[Array, Rng], Array]
"""(longest, rng) -> how far each row goes along its ray, (n,) in [0, longest]."""


@dataclass(frozen=True)
class OrthonormalNetwork:
    """u = <v, z_L>, z_l = GroupSort(W_l z_{l-1} + b_l), every W_l orthogonal, |v| = 1.

    No layer shortens a gradient, so |grad u| = 1 wherever there is one.

    Attributes:
        weights: W_l (d, d).
        biases: b_l (d,).
        last: v (d,).
        group_size: Units sorted together, a divisor of d.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    last: Array
    group_size: int

    def height(self, x: Array) -> Array:
        """Return u of rows (n, d) -> (n,)."""
        for w, b in zip(self.weights, self.biases, strict=True):
            x = np.sort(self._groups(x @ w.T + b), axis=2).reshape(x.shape)
        return np.asarray(x @ self.last)

    def rays(self, y: Array) -> Pair:
        """Return grad u (n, d) and the distance (n,) to where its region ends."""
        orders, values = [], []
        z = y
        for w, b in zip(self.weights, self.biases, strict=True):
            groups = self._groups(z @ w.T + b)
            orders.append(groups.argsort(axis=2))
            values.append(np.take_along_axis(groups, orders[-1], 2))
            z = values[-1].reshape(y.shape)
        gradient = np.broadcast_to(self.last, y.shape)
        for w, order in zip(self.weights[::-1], orders[::-1], strict=True):
            unsorted = np.empty(order.shape)
            np.put_along_axis(unsorted, order, self._groups(gradient), 2)
            gradient = unsorted.reshape(y.shape) @ w
        longest = np.full(len(y), np.inf)
        rate = -gradient
        for w, order, value in zip(self.weights, orders, values, strict=True):
            rates = np.take_along_axis(self._groups(rate @ w.T), order, 2)
            rate = rates.reshape(y.shape)
            closing = -np.diff(rates, axis=2)
            with np.errstate(divide="ignore", invalid="ignore"):
                until = np.where(closing > 0, np.diff(value, axis=2) / closing, np.inf)
            longest = np.minimum(longest, until.min((1, 2)))
        return gradient, longest

    def _groups(self, z: Array) -> Array:
        return z.reshape(len(z), -1, self.group_size)


@dataclass(frozen=True)
class RayPair:
    """Q, and P as Q's rows moved downhill along rays of u.

    Attributes:
        potential: u.
        draw: Rows of Q.
        travel: How far they go.
    """

    potential: DistanceToSets | OrthonormalNetwork
    draw: Draw
    travel: Travel

    def pairs(self, n: int, rng: Rng) -> Pair:
        """Draw optimally coupled pairs: row i of x comes from row i of y."""
        y = self.draw(n, rng)
        return np.concatenate([self.move(rows, rng) for rows in chunks(y)]), y

    def move(self, y: Array, rng: Rng) -> Array:
        """Move rows (n, d) of Q to rows of P."""
        gradient, longest = self.potential.rays(y)
        return np.asarray(y - self.travel(longest, rng)[:, None] * gradient)

    def sample(self, n: int, rng: Rng) -> Pair:
        """Draw independent samples x (n, d) of P and y (n, d) of Q."""
        return self.pairs(n, rng)[0], self.draw(n, rng)


def uniform_share(longest: Array, rng: Rng) -> Array:
    """Go a share of the ray that is uniform in [0, 1]."""
    return np.asarray(longest * rng.uniform(size=longest.shape))


def fixed_share(share: float, longest: Array, rng: Rng) -> Array:
    """Go the same share of every ray."""
    return share * longest


def at_most(length: float, longest: Array, rng: Rng) -> Array:
    """Go `length`, or to the end of the ray."""
    return np.minimum(longest, length)
