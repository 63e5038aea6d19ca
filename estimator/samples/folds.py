"""The folds of a pair: what is fitted, validated and tested, and in which unit."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kantor.estimator.config import EstimateConfig
from kantor.estimator.samples.pair import Pair, Samples, Weights
from kantor.estimator.samples.scaling import FIT_ROWS, Scaler, fit_scaler
from kantor.estimator.samples.split import (
    Indices,
    Split,
    random_splits,
    weighted_split,
)
from kantor.estimator.streams import Stream


@dataclass(frozen=True)
class Fold:
    """One division of both sides, and the scaler of its fit parts."""

    x: Split
    y: Split
    scaler: Scaler


@dataclass(frozen=True)
class Partition:
    """A pair and its folds.

    Attributes:
        pair: The samples as given.
        folds: At least one.
        common: The scaler that gives metric and unit to the answer, the first fold's.
            Those of other folds differ a little, and are converted to it.
    """

    pair: Pair
    folds: tuple[Fold, ...]
    common: Scaler

    @property
    def n_fit(self) -> int:
        """Fit samples of the smaller side, in the smallest fold."""
        return min(min(len(fold.x.fit), len(fold.y.fit)) for fold in self.folds)

    @property
    def n_test(self) -> tuple[int, int]:
        """Test samples of source and target, in all folds together."""
        return (
            sum(len(fold.x.test) for fold in self.folds),
            sum(len(fold.y.test) for fold in self.folds),
        )


Splits = list[tuple[Split, Split]]
"""Of source and target, for each fold."""
FitScaler = Callable[[Samples, Samples], Scaler]
"""Fits a scaler on fit samples of the source and of the target."""


def partitioned(pair: Pair, config: EstimateConfig) -> Partition:
    """Split both sides at random, once per fold; fit a scaler on each fit part."""

    def fit(x: Samples, y: Samples) -> Scaler:
        return fit_scaler(x, y, config.scaling)

    return with_scalers(pair, splits_of(pair, config), fit)


def splits_of(pair: Pair, config: EstimateConfig) -> Splits:
    """Split both sides at random, once per fold; of the samples, only weights count."""
    rng = Stream.SPLIT.generator(config.seed)
    splits_x = random_splits(len(pair.x), config.folds, rng)
    splits_y = random_splits(len(pair.y), config.folds, rng)
    if pair.x_weights is not None:
        splits_x = _weighted("source", splits_x, pair.x_weights, config, rng)
    if pair.y_weights is not None:
        splits_y = _weighted("target", splits_y, pair.y_weights, config, rng)
    return list(zip(splits_x, splits_y, strict=True))


def with_scalers(pair: Pair, splits: Splits, fit: FitScaler) -> Partition:
    """Fit a scaler on the fit part of each fold, of a part of them if they are many."""
    folds = tuple(
        Fold(x, y, fit(some_rows(pair.x, x.fit), some_rows(pair.y, y.fit)))
        for x, y in splits
    )
    return Partition(pair, folds, folds[0].scaler)


def _weighted(
    side: str,
    splits: list[Split],
    weights: Weights,
    config: EstimateConfig,
    rng: np.random.Generator,
) -> list[Split]:
    return [
        weighted_split(side, split, weights, rng, largest=config.max_weight)
        for split in splits
    ]


def some_rows(samples: Samples, rows: Indices) -> Samples:
    """Return the samples that scales are fitted on."""
    return samples[rows[:FIT_ROWS]]


def fingerprint_of(partition: Partition, config: EstimateConfig) -> str:
    """Identify what is trained on by settings, scalers, weights and shapes."""
    digest = hashlib.sha256()
    for fold in partition.folds:
        digest.update(fold.scaler.center.tobytes())
        digest.update(np.float64(fold.scaler.unit).tobytes())
    pair = partition.pair
    for weights in (pair.x_weights, pair.y_weights):
        digest.update(b"none" if weights is None else weights.tobytes())
    shapes = [pair.x.shape, pair.y.shape]
    digest.update(json.dumps([shapes, config.to_dict()], sort_keys=True).encode())
    return digest.hexdigest()
