"""Both sample arrays of an estimation with their splits and their common scaler."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimator.config import EstimateConfig
from estimator.scaling import FIT_ROWS, Scaler, fit_scaler
from estimator.split import Split, random_split

Samples = NDArray[np.generic]


@dataclass(frozen=True)
class Sides:
    """Both sample arrays, their splits, and the scaler fitted on the fit parts."""

    x: Samples
    y: Samples
    split_x: Split
    split_y: Split
    scaler: Scaler


def split_sides(x: Samples, y: Samples, settings: EstimateConfig) -> Sides:
    """Split both sides at random and fit the scaler on the fit parts."""
    rng = np.random.default_rng([settings.seed, 0])
    split_x, split_y = random_split(len(x), rng), random_split(len(y), rng)
    scaler = fit_scaler(
        x[split_x.fit[:FIT_ROWS]], y[split_y.fit[:FIT_ROWS]], settings.scaling
    )
    return Sides(x, y, split_x, split_y, scaler)


def fingerprint_of(sides: Sides, settings: EstimateConfig) -> str:
    """Identify a problem by its settings and a digest of the scaler and the shapes."""
    digest = hashlib.sha256(sides.scaler.center.tobytes())
    digest.update(np.float64(sides.scaler.unit).tobytes())
    shapes = [sides.x.shape, sides.y.shape]
    digest.update(json.dumps([shapes, settings.to_dict()], sort_keys=True).encode())
    return digest.hexdigest()
