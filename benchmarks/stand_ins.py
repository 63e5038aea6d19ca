"""Cheap 1-Lipschitz critics in place of trained ones, for statistics alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.clamp import Clamp, chosen_clamp

Array = NDArray[np.float64]
Critic = Callable[[Array], Array]
Pair = tuple[Array, Array]

CENTERS = 8
SEEN = 0.55
"""Share that the critic of one split may see."""

VALIDATION = 0.25
"""Share of what a critic may see that chooses it."""


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


def judged(seen: Pair, test: Pair, rng: np.random.Generator) -> Judged:
    """Train on the first rows of `seen`, choose on its last, test on `test`."""
    ends = [len(side) - round(VALIDATION * len(side)) for side in seen]
    fit = (seen[0][: ends[0]], seen[1][: ends[1]])
    validation = (seen[0][ends[0] :], seen[1][ends[1] :])

    def score(critic: Critic) -> float:
        a, b = critic(validation[0]), critic(validation[1])
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
        return float(a.mean() - b.mean() - error)

    critic = max(candidates(fit, rng), key=score)
    clamp = chosen_clamp(
        (critic(fit[0]), critic(fit[1])),
        (critic(validation[0]), critic(validation[1])),
        test_pairs=min(map(len, test)),
        confidence=0.95,
    )
    return Judged(critic, clamp, test)


def split_once(x: Array, y: Array, rng: np.random.Generator) -> Judged:
    """Train and choose on the first rows, test on the others."""
    a, b = round(SEEN * len(x)), round(SEEN * len(y))
    return judged((x[:a], y[:b]), (x[a:], y[b:]), rng)


def crossed(x: Array, y: Array, rng: np.random.Generator, folds: int) -> list[Judged]:
    """Test each fold on what the critic of the others makes of it."""
    xs, ys = np.array_split(x, folds), np.array_split(y, folds)
    result = []
    for f in range(folds):
        others = [i for i in range(folds) if i != f]
        seen = [np.concatenate([side[i] for i in others]) for side in (xs, ys)]
        result.append(judged((seen[0], seen[1]), (xs[f], ys[f]), rng))
    return result
