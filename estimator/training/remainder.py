"""Whether there is anything left to find beside what one feature shows.

Let u be the feature of a profile, and let T move each x along the rays of u so that
u(T x) is distributed under P as u is under Q, monotonically. Moving costs
E |x - T x| = W1 of u on the line, which is what the profile finds, and by the triangle
inequality

    W1(P, Q) <= E |x - T x| + W1(T#P, Q),

so that no critic finds more beyond the profile than W1(T#P, Q). A few small critics,
trained for a moment, look for that. Where none finds anything, the profile is the
answer. That they find nothing proves nothing; the bounds hold whatever is chosen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from kantor.estimator.config import EstimateConfig
from kantor.estimator.critics.family import Array
from kantor.estimator.critics.profile import ProfilePotential
from kantor.estimator.recipe import (
    DEFAULT_RATES,
    FOLDING_SHARE,
    ConeRecipe,
    NetworkCandidate,
    Recipe,
)
from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.loop import initial_state, take_steps
from kantor.estimator.training.portfolio import initial_portfolio
from kantor.estimator.training.race import Bar
from kantor.estimator.training.schedule import Schedule
from kantor.models.critic import Critic

FEW_ROWS, FEW_FIT = 5.0, 5_000
MANY_ROWS = 20.0
"""Standard errors that a profile must find before it may be the answer: with few fit
samples, and with more, where richer critics have something to learn from."""

MOST_FIT = 10_000
"""Fit samples a side from which on all is tried: many show what a look does not, such
as hundreds of cones in many dimensions."""

LOOK_ROWS = 8_192
"""Fit rows a side that the look has: half of them to train, half to judge."""

LOOK_STEPS, LOOK_BATCH = 60, 512
DESCENT = 24
"""Step at which the look slows down."""

BEFORE_TRAINING = -1
"""Position of the look among the steps of a job."""

SIGNIFICANT = 2.5
"""Standard errors of its own that a small critic must find to have found anything."""

LEVELS = 1025


def going_on(
    data: TrainingData,
    profiles: Sequence[ProfilePotential],
    bars: Sequence[Bar],
    recipe: Recipe,
    asked: EstimateConfig,
) -> list[bool]:
    """Tell for each fold whether critics shall be trained, or its profile suffices.

    A fold's answer depends on its own fit and validation samples alone.

    Args:
        data: Samples of every fold.
        profiles: The best profile of each.
        bars: What it found, and the noise of an answer.
        recipe: Of the training that may be spared.
        asked: The settings.
    """
    fewest = min(len(side[0]) for side in data.heads(MOST_FIT))
    if fewest >= MOST_FIT:
        return [True] * len(bars)
    clear = FEW_ROWS if fewest < FEW_FIT else MANY_ROWS
    unclear = [bar.score <= clear * bar.noise for bar in bars]
    if all(unclear):
        return unclear
    rest, judging = _parted(data, profiles, asked.seed)
    found = [[0.0] for _ in bars]
    for fold, value, error in _looked(rest, judging, recipe, asked):
        if value > SIGNIFICANT * error:
            found[fold].append(value)
    return [
        vague or max(values) > bar.noise
        for vague, values, bar in zip(unclear, found, bars, strict=True)
    ]


@dataclass(frozen=True)
class Drawn:
    """Batches drawn from rows (F, n, d), as a function of the step alone."""

    rows: Tensor
    seed: int

    def batch(self, step: int) -> Tensor:
        """Return the batch (F, B, d) of a step."""
        generator = torch.Generator().manual_seed((self.seed + step) % 2**63)
        count = self.rows.shape[1]
        chosen = torch.randint(count, (LOOK_BATCH,), generator=generator)
        return self.rows[:, chosen.to(self.rows.device)]

    def head(self, count: int) -> Tensor:
        """Return the first rows (F, at most count, d)."""
        return self.rows[:, :count]


def _parted(
    data: TrainingData, profiles: Sequence[ProfilePotential], seed: int
) -> tuple[TrainingData, tuple[Tensor, Tensor]]:
    """Return T#P and Q to train on, and other rows of them to judge by."""
    fit_x, fit_y = data.heads(LOOK_ROWS)
    moves = [
        Move.between(profile, x, y)
        for profile, x, y in zip(profiles, _arrays(fit_x), _arrays(fit_y), strict=True)
    ]

    def moved(rows: Tensor) -> Tensor:
        sides = zip(moves, _arrays(rows), strict=True)
        found = np.stack([move(side) for move, side in sides])
        return torch.from_numpy(found).to(rows)

    half_x, half_y = fit_x.shape[1] // 2, fit_y.shape[1] // 2
    fit_x, validation_x = moved(fit_x), moved(data.validation_x)
    judging = (
        torch.cat([fit_x[:, half_x:], validation_x], dim=1),
        torch.cat([fit_y[:, half_y:], data.validation_y], dim=1),
    )
    rest = replace(
        data,
        source=Drawn(fit_x[:, :half_x], seed),
        target=Drawn(fit_y[:, :half_y], seed + LOOK_STEPS),
    )
    return rest, judging


@dataclass(frozen=True)
class Move:
    """T: x moved along the rays of u to the place of its rank under Q.

    Attributes:
        profile: Whose feature u is.
        old: Quantiles (M,) of u under P.
        new: Quantiles (M,) of u under Q.
    """

    profile: ProfilePotential
    old: Array
    new: Array

    @classmethod
    def between(cls, profile: ProfilePotential, x: Array, y: Array) -> "Move":
        """Return the map that fits samples x (n, d) and y (m, d)."""
        shares = np.linspace(0.0, 1.0, LEVELS)
        old, new = (np.quantile(profile.feature(side), shares) for side in (x, y))
        return cls(profile, old, new)

    def __call__(self, rows: Array) -> Array:
        """Return rows (n, d), moved."""
        at = self.profile.feature(rows)
        to = np.interp(at, self.old, self.new)
        if not self.profile.radial:
            return rows + (to - at)[:, None] * self._ray()
        center = self.profile.point
        stretch = to / np.maximum(at, np.finfo(float).tiny)
        return np.asarray(center + stretch[:, None] * (rows - center))

    def _ray(self) -> Array:
        """Return the vector of length 1 along which u grows by 1."""
        v = self.profile.point
        return np.asarray(v / (v @ v))


def _looked(
    rest: TrainingData,
    judging: tuple[Tensor, Tensor],
    recipe: Recipe,
    asked: EstimateConfig,
) -> Iterator[tuple[int, float, float]]:
    """Train small critics; yield fold, mean difference and its standard error."""
    small = _small(recipe, asked)
    state = initial_state(initial_portfolio(rest, small, asked), LOOK_STEPS)
    state = replace(state, schedule=Schedule(LOOK_STEPS, descent_start=DESCENT))
    state, _ = take_steps(state, rest, LOOK_STEPS, position=BEFORE_TRAINING)
    with torch.no_grad():
        for team in state.portfolio.values():
            critic = team.effective()
            constants = team.constants(critic)
            value, error = _judged(critic, judging, team.folds)
            judged = zip(team.folds, value / constants, error / constants, strict=True)
            yield from ((fold, float(v), float(e)) for fold, v, e in judged)


def _small(recipe: Recipe, asked: EstimateConfig) -> Recipe:
    """Return a recipe of critics that learn in a moment."""
    rate = FOLDING_SHARE * DEFAULT_RATES[asked.chosen_optimizer]
    networks = replace(
        recipe.networks,
        depth=2,
        width=64,
        candidates=(NetworkCandidate("abs", 2, rate),),
        batch_size=LOOK_BATCH,
    )
    projections = replace(
        recipe.projections,
        ranks=(1, 4),
        rows=64,
        most_cones=min(32, recipe.projections.most_cones),
        batch_size=LOOK_BATCH,
    )
    cones = ConeRecipe(count=32, most=32, few=32, batch_size=LOOK_BATCH)
    return replace(recipe, networks=networks, projections=projections, cones=cones)


def _judged(
    critic: Critic, judging: tuple[Tensor, Tensor], folds: list[int]
) -> tuple[Tensor, Tensor]:
    """Return mean difference and its standard error of each critic (K,)."""
    f_x, f_y = (critic(side[folds]) for side in judging)
    variances = f_x.var(-1) / f_x.shape[-1] + f_y.var(-1) / f_y.shape[-1]
    return f_x.mean(-1) - f_y.mean(-1), variances.sqrt()


def _arrays(samples: Tensor) -> Array:
    return np.asarray(samples.double().cpu().numpy())
