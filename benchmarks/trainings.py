"""Trainings without an estimation around them, to time steps of."""

import numpy as np
import torch
from numpy.typing import NDArray

from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.training.batches import Batches, FoldBatches
from kantor.estimator.training.data import TrainingData

VALIDATION_ROWS = 1000


def data_of(
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    scaler: Scaler,
    *,
    batch_size: int,
) -> TrainingData:
    """Return what a training on all of x (n, d) and y (m, d) looks at."""

    def batches(samples: NDArray[np.generic]) -> FoldBatches:
        return FoldBatches(
            [
                Batches(
                    samples,
                    np.arange(len(samples)),
                    scaler,
                    batch_size=batch_size,
                    seed=0,
                    device=torch.device("cpu"),
                )
            ]
        )

    source, target = batches(x), batches(y)
    return TrainingData(
        source=source,
        target=target,
        validation_x=source.head(VALIDATION_ROWS),
        validation_y=target.head(VALIDATION_ROWS),
        unit=scaler.unit,
    )
