"""Both sample arrays of an estimation with their splits and their common scaler."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import EstimateConfig
from kantor.estimator.samples.scaling import FIT_ROWS, Scaler, fit_scaler
from kantor.estimator.samples.split import Split, Weights, random_splits, weighted_split

Samples = NDArray[np.generic]


@dataclass(frozen=True)
class Pair:
    """The samples as given: x (n, d), y (m, d), and weights (n,), (m,) where given."""

    x: Samples
    y: Samples
    x_weights: Weights | None = None
    y_weights: Weights | None = None

    @property
    def dim(self) -> int:
        """Number d of features."""
        return int(self.x.shape[1])


@dataclass(frozen=True)
class Sides:
    """Samples of both sides, one split of each, and the scaler of the fit parts."""

    pair: Pair
    split_x: Split
    split_y: Split
    scaler: Scaler


def split_sides(pair: Pair, settings: EstimateConfig) -> list[Sides]:
    """Split both sides at random, once per fold; fit a scaler on each fit part."""
    rng = np.random.default_rng([settings.seed, 0])
    splits_x = random_splits(len(pair.x), settings.folds, rng)
    splits_y = random_splits(len(pair.y), settings.folds, rng)
    if pair.x_weights is not None:
        splits_x = [weighted_split("source", s, pair.x_weights, rng) for s in splits_x]
    if pair.y_weights is not None:
        splits_y = [weighted_split("target", s, pair.y_weights, rng) for s in splits_y]
    return [
        _scaled(pair, x, y, settings) for x, y in zip(splits_x, splits_y, strict=True)
    ]


def _scaled(
    pair: Pair, split_x: Split, split_y: Split, settings: EstimateConfig
) -> Sides:
    scaler = fit_scaler(
        pair.x[split_x.fit[:FIT_ROWS]], pair.y[split_y.fit[:FIT_ROWS]], settings.scaling
    )
    return Sides(pair, split_x, split_y, scaler)


def fingerprint_of(folds: list[Sides], settings: EstimateConfig) -> str:
    """Identify a problem by its settings, scalers, weights and shapes."""
    digest = hashlib.sha256()
    for sides in folds:
        digest.update(sides.scaler.center.tobytes())
        digest.update(np.float64(sides.scaler.unit).tobytes())
    pair = folds[0].pair
    for weights in (pair.x_weights, pair.y_weights):
        digest.update(b"none" if weights is None else weights.tobytes())
    shapes = [pair.x.shape, pair.y.shape]
    digest.update(json.dumps([shapes, settings.to_dict()], sort_keys=True).encode())
    return digest.hexdigest()
