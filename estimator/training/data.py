"""What training looks at: batches of every fold's fit samples, validation samples."""

import numpy as np
import torch

from kantor.estimator.config import EstimateConfig
from kantor.estimator.recipe import cone_batch_size, network_batch_size
from kantor.estimator.samples.folds import Samples, Sides
from kantor.estimator.samples.split import Indices
from kantor.estimator.training.batches import Batches, FoldBatches
from kantor.estimator.training.loop import REPORT_ROWS, Problem


def training_problem(
    folds: list[Sides], settings: EstimateConfig, device: torch.device
) -> Problem:
    """Gather what training looks at: fit batches and validation samples."""

    def batches(
        samples: Samples, parts: list[Indices], batch_size: int, stream: int
    ) -> FoldBatches:
        seed = int(np.random.default_rng([settings.seed, stream]).integers(2**62))
        fewest = min(len(part) for part in parts)
        return FoldBatches(
            [
                Batches(
                    samples,
                    part,
                    sides.scaler,
                    batch_size=min(batch_size, fewest),
                    seed=seed,
                    device=device,
                )
                for sides, part in zip(folds, parts, strict=True)
            ]
        )

    pair = folds[0].pair
    size = max(network_batch_size(settings), cone_batch_size(settings))
    fits = [s.split_x.fit for s in folds], [s.split_y.fit for s in folds]
    validations = (
        [s.split_x.validation[:REPORT_ROWS] for s in folds],
        [s.split_y.validation[:REPORT_ROWS] for s in folds],
    )
    return Problem(
        source=batches(pair.x, fits[0], size, 1),
        target=batches(pair.y, fits[1], size, 2),
        validation_x=batches(pair.x, validations[0], REPORT_ROWS, 3).batch(0),
        validation_y=batches(pair.y, validations[1], REPORT_ROWS, 4).batch(0),
        unit=folds[0].scaler.unit,
    )
