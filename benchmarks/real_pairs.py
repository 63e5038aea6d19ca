"""Pairs of real samples: one of which nothing should be found, one of unknown distance.

Real samples at a known distance are `low-rank-digits` and `flats-digits` of
`benchmarks.distance_sets`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

from benchmarks.problems import Pair, Rng


@dataclass(frozen=True)
class NamedPair:
    """Two sets of samples at a distance that is known or not.

    Attributes:
        name: As the commands take it.
        sample: (n, rng) -> x and y, of at most n rows.
        w1: The distance of what they are drawn from; None where nobody knows it.
    """

    name: str
    sample: Callable[[int, Rng], Pair]
    w1: float | None


def without_difference(name: str, sample: Callable[[int, Rng], Pair]) -> NamedPair:
    """Return a pair whose sides are both samples of the target: W1 = 0."""

    def halves(n: int, rng: Rng) -> Pair:
        _, y = sample(2 * n, rng)
        half = len(y) // 2
        return y[:half], y[half : 2 * half]

    return NamedPair(f"{name}, no difference", halves, 0.0)


def digits_halves(n: int, rng: Rng) -> Pair:
    """Deal the handwritten digits into two halves, which have one law: W1 = 0."""
    images = np.asarray(rng.permutation(load_digits().data))
    half = min(n, len(images) // 2)
    return images[:half], images[half : 2 * half]


def tumors(n: int, rng: Rng) -> Pair:
    """Return malignant and benign tumors, in an order of chance; W1 is unknown.

    Thirty features, each divided by its deviation over all.
    """
    rows, benign = load_breast_cancer(return_X_y=True)
    order = rng.permutation(len(rows))
    rows, benign = rows[order] / rows.std(0), benign[order] == 1
    return rows[~benign][:n], rows[benign][:n]


REAL_PAIRS = {
    pair.name: pair
    for pair in (
        NamedPair("digits-halves", digits_halves, 0.0),
        NamedPair("tumors", tumors, None),
    )
}
