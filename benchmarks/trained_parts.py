"""A part of a design with the critic that `estimate_w1` would train on what it sees.

The estimator has one split and folds. For other designs a fold is made by hand: fit and
validation are the rows that may be seen, test is the part's.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.stand_ins import Array, Division
from benchmarks.stand_ins import Pair as Rows
from kantor.estimator.config import EstimateConfig
from kantor.estimator.devices import choose_device
from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.certified import EvaluatedCritic
from kantor.estimator.evidence.clamp import Clamp, chosen_clamp
from kantor.estimator.recipe import recipe_for
from kantor.estimator.samples.folds import Fold, Partition
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.scaling import Scaler, fit_scaler
from kantor.estimator.samples.split import FEW, Split
from kantor.estimator.training import train_critics

VALIDATION = FEW[1] / sum(FEW)
"""Share of the rows that may be seen which chooses."""


@dataclass(frozen=True)
class Part:
    """Held-out values, and the expected difference of their very function."""

    values: TestValues
    attained: float


@dataclass(frozen=True)
class _Judge:
    """A critic with its clamp, in the units of the data."""

    critic: EvaluatedCritic
    scaler: Scaler
    clamp: Clamp

    def values(self, rows: Rows) -> Rows:
        """Return values (n,) and (m,) of both sides."""
        x, y = (
            self.scaler.unit * self.clamp(self.critic.values(side, self.scaler))
            for side in rows
        )
        return x, y


def trained_part(
    division: Division, fresh: Rows, seed: int, *, test_pairs: int
) -> Part:
    """Train as `quick` does on what may be seen, and meet the test rows.

    Args:
        division: What may be seen, and what is tested.
        fresh: Rows behind the expected difference.
        seed: Of the training.
        test_pairs: Pairs that testify in all parts.
    """
    judge = _trained(division, EstimateConfig(effort="quick", seed=seed), test_pairs)
    x, y = judge.values(division.test)
    clamp, unit = judge.clamp, judge.scaler.unit
    values = TestValues(
        x, y, unit * clamp.value_range, unit * clamp.expected, unit * clamp.spread
    )
    attained = judge.values(fresh)
    return Part(values, float(attained[0].mean() - attained[1].mean()))


def _trained(division: Division, config: EstimateConfig, test_pairs: int) -> _Judge:
    splits = [
        _split(len(seen), len(test))
        for seen, test in zip(division.seen, division.test, strict=True)
    ]
    x, y = (
        np.concatenate(rows) for rows in zip(division.seen, division.test, strict=True)
    )
    of_x, of_y = splits
    scaler = fit_scaler(x[of_x.fit], y[of_y.fit], config.scaling)
    partition = Partition(Pair(x, y), (Fold(of_x, of_y, scaler),), scaler)
    trained = train_critics(
        partition,
        config,
        recipe_for(config, partition.n_fit),
        choose_device(config.device),
        on_progress=lambda progress: None,
        should_stop=lambda: False,
        resume_from=None,
    )
    critic = trained.chosen[0]

    def values(rows: Array) -> Array:
        return critic.values(rows, scaler)

    clamp = chosen_clamp(
        (values(x[of_x.fit]), values(y[of_y.fit])),
        (values(x[of_x.validation]), values(y[of_y.validation])),
        test_pairs=test_pairs,
        confidence=config.confidence,
    )
    return _Judge(critic, scaler, clamp)


def _split(seen: int, test: int) -> Split:
    """Fit on the first rows that may be seen, choose on their last, test the others."""
    fit = seen - round(VALIDATION * seen)
    rows = np.arange(seen + test)
    return Split(rows[:fit], rows[fit:seen], rows[seen:])
