"""What training looks at: batches of every fold's fit samples, validation samples."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from kantor.estimator.config import EstimateConfig
from kantor.estimator.samples.folds import Partition
from kantor.estimator.samples.pair import Samples
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.samples.split import Indices
from kantor.estimator.streams import Stream
from kantor.estimator.training.batches import Batches, FoldBatches

REPORT_ROWS = 16_384
"""Validation rows a side that a report looks at."""


class Drawing(Protocol):
    """Where batches of one side, of all folds, come from."""

    def batch(self, step: int) -> Tensor:
        """Return the batches (F, B, d) of a step."""

    def head(self, count: int) -> Tensor:
        """Return the first rows (F, at most count, d), in random order."""


@dataclass(frozen=True)
class TrainingData:
    """Scaled samples of every fold, on the device.

    Attributes:
        source: Fit batches of the source.
        target: Fit batches of the target.
        validation_x: Source samples (F, n, d) that reports look at.
        validation_y: Target samples (F, m, d).
        unit: What a scaled distance of 1 is in the units of the data.
    """

    source: Drawing
    target: Drawing
    validation_x: Tensor
    validation_y: Tensor
    unit: float

    def heads(self, count: int) -> tuple[Tensor, Tensor]:
        """Return at most `count` fit rows of each side: (F, n, d) and (F, m, d)."""
        return self.source.head(count), self.target.head(count)


def training_data(
    partition: Partition,
    config: EstimateConfig,
    device: torch.device,
    *,
    batch_size: int,
) -> TrainingData:
    """Gather fit batches of a size, and validation samples."""
    pair, folds = partition.pair, partition.folds
    scalers = [fold.scaler for fold in folds]

    def batches(
        samples: Samples, parts: list[Indices], size: int, stream: Stream
    ) -> FoldBatches:
        return _fold_batches(
            samples,
            parts,
            scalers,
            size=size,
            seed=stream.seed(config.seed),
            device=device,
        )

    def validation(samples: Samples, parts: list[Indices], stream: Stream) -> Tensor:
        some = [part[:REPORT_ROWS] for part in parts]
        return batches(samples, some, REPORT_ROWS, stream).batch(0)

    fits = [fold.x.fit for fold in folds], [fold.y.fit for fold in folds]
    others = [f.x.validation for f in folds], [f.y.validation for f in folds]
    return TrainingData(
        source=batches(pair.x, fits[0], batch_size, Stream.SOURCE_BATCHES),
        target=batches(pair.y, fits[1], batch_size, Stream.TARGET_BATCHES),
        validation_x=validation(pair.x, others[0], Stream.SOURCE_VALIDATION),
        validation_y=validation(pair.y, others[1], Stream.TARGET_VALIDATION),
        unit=partition.common.unit,
    )


def _fold_batches(
    samples: Samples,
    parts: list[Indices],
    scalers: list[Scaler],
    *,
    size: int,
    seed: int,
    device: torch.device,
) -> FoldBatches:
    fewest = min(len(part) for part in parts)
    return FoldBatches(
        [
            Batches(
                samples,
                part,
                scaler,
                batch_size=min(size, fewest),
                seed=seed,
                device=device,
            )
            for part, scaler in zip(parts, scalers, strict=True)
        ]
    )
