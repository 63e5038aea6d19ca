"""Cheap 1-Lipschitz critics in place of trained ones, for statistics alone."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.critics.profile import line_witness
from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.clamp import Clamp, chosen_clamp

Array = NDArray[np.float64]
Critic = Callable[[Array], Array]
Pair = tuple[Array, Array]
Fit = Callable[[Pair, np.random.Generator], list[Critic]]
"""From fit samples to critics, of which validation samples choose one."""

CENTERS = 8
SEEN = 0.55
"""Share that the critic of one split may see."""

VALIDATION = 0.25
"""Share of what a critic may see that chooses it."""

FIRST = 0.4
"""Share that the critic of the first of successive blocks may see."""


@dataclass(frozen=True)
class Judged:
    """A critic with its clamp, and the samples it may be tested on."""

    critic: Critic
    clamp: Clamp
    test: Pair

    def values(self, pair: Pair) -> Pair:
        """Clamped values of both sides."""
        x, y = (self.clamp(self.critic(side)) for side in pair)
        return x, y

    def test_values(self) -> TestValues:
        """What the bounds ask for."""
        x, y = self.values(self.test)
        c = self.clamp
        return TestValues(x, y, c.value_range, c.expected, c.spread)


def candidates(fit: Pair, rng: np.random.Generator) -> list[Critic]:
    """Affine along the difference of means, and cones both ways."""
    x, y = fit
    direction = x.mean(0) - y.mean(0)
    direction = direction / max(float(np.linalg.norm(direction)), 1e-300)
    rows = np.concatenate(fit)
    centers = np.vstack([rows.mean(0), rng.choice(rows, CENTERS)])

    def cone(center: Array, sign: float) -> Critic:
        return lambda z: sign * np.linalg.norm(z - center, axis=1)

    cones = [cone(center, sign) for center in centers for sign in (1.0, -1.0)]
    return [lambda z: z @ direction, *cones]


def with_profiles(fit: Pair, rng: np.random.Generator) -> list[Critic]:
    """Add exact witnesses along a few features, which are fitted as well.

    Along the difference of means, the two axes along which covariances differ most, and
    the distance to the pooled mean.
    """
    x, y = fit
    center = np.concatenate(fit).mean(0)
    axes = np.linalg.eigh(np.atleast_2d(np.cov(x.T) - np.cov(y.T)))[1].T
    shift = x.mean(0) - y.mean(0)
    directions = [shift / np.linalg.norm(shift), axes[0], axes[-1]]

    def radius(z: Array) -> Array:
        return np.asarray(np.linalg.norm(z - center, axis=1))

    def along(direction: Array) -> Critic:
        return lambda z: z @ direction

    def witness(feature: Critic) -> Critic:
        line = line_witness(feature(x), feature(y))
        return lambda z: line(feature(z))

    features = [radius, *map(along, directions)]
    return [*candidates(fit, rng), *map(witness, features)]


@dataclass(frozen=True)
class Division:
    """What a critic may see, and what it is tested on: rows of source and target."""

    seen: Pair
    test: Pair

    @property
    def pairs(self) -> int:
        """Number of pairs that testify."""
        return min(map(len, self.test))


def judged(
    division: Division,
    rng: np.random.Generator,
    *,
    fitted: Fit = candidates,
    test_pairs: int | None = None,
) -> Judged:
    """Train on the first rows that may be seen, choose on the last, and clamp.

    Args:
        division: The rows.
        rng: Draws what training leaves to chance.
        fitted: Trains.
        test_pairs: Pairs that testify in all, where others do beside those of `test`.
    """
    seen, test = division.seen, division.test
    ends = [len(side) - round(VALIDATION * len(side)) for side in seen]
    fit = (seen[0][: ends[0]], seen[1][: ends[1]])
    validation = (seen[0][ends[0] :], seen[1][ends[1] :])

    def score(critic: Critic) -> float:
        a, b = critic(validation[0]), critic(validation[1])
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
        return float(a.mean() - b.mean() - error)

    critic = max(fitted(fit, rng), key=score)
    clamp = chosen_clamp(
        (critic(fit[0]), critic(fit[1])),
        (critic(validation[0]), critic(validation[1])),
        test_pairs=test_pairs or division.pairs,
        confidence=0.95,
    )
    return Judged(critic, clamp, test)


def split_once(x: Array, y: Array, seen: float = SEEN) -> Division:
    """See the first rows, test on the others."""
    a, b = round(seen * len(x)), round(seen * len(y))
    return Division((x[:a], y[:b]), (x[a:], y[b:]))


def crossed(x: Array, y: Array, folds: int) -> list[Division]:
    """Test each fold, and see the others."""
    xs, ys = np.array_split(x, folds), np.array_split(y, folds)
    result = []
    for f in range(folds):
        others = [i for i in range(folds) if i != f]
        seen = [np.concatenate([side[i] for i in others]) for side in (xs, ys)]
        result.append(Division((seen[0], seen[1]), (xs[f], ys[f])))
    return result


def successive(x: Array, y: Array, blocks: int, first: float = FIRST) -> list[Division]:
    """Test each block, and see all rows before it (prequential).

    Every critic is known before its block is seen, so that one capital runs through
    all blocks: what `bounds` calls sequential parts.
    """
    shares = np.linspace(first, 1.0, blocks + 1)
    ends = [[round(len(side) * share) for share in shares] for side in (x, y)]
    return [
        Division((x[:a], y[:b]), (x[a:c], y[b:d]))
        for (a, c), (b, d) in zip(*map(pairwise, ends), strict=True)
    ]


def divisions(design: str, pair: Pair, *, seen: float = SEEN) -> list[Division]:
    """Return the parts of a design.

    Args:
        design: "one split", "5 folds", "3 blocks", or "4 blocks after 20 %" of rows.
        pair: Rows of both sides.
        seen: Share that the critic of one split may see.
    """
    match design.split():
        case ["one", "split"]:
            return [split_once(*pair, seen)]
        case [count, "folds"]:
            return crossed(*pair, int(count))
        case [count, "blocks"]:
            return successive(*pair, int(count))
        case [count, "blocks", "after", percent, "%"]:
            return successive(*pair, int(count), int(percent) / 100)
    raise ValueError(f"expected a design such as '2 folds', received {design!r}")
