"""Scaled float32 samples of one side, in memory or gathered from a mapped file.

The batch of a step is a function of (seed, step) alone, so that a resumed training sees
the very batches an uninterrupted one sees.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kantor.estimator.samples.scaling import Scaler

CACHE_BYTES = 128 * 2**20
"""Scaled samples kept in memory a side; more are gathered from the array each step."""


class Batches:
    """Batches of the rows `indices` of `samples`, scaled, on a device."""

    def __init__(
        self,
        samples: NDArray[np.generic],
        indices: NDArray[np.intp],
        scaler: Scaler,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self._samples, self._indices, self._scaler = samples, indices, scaler
        self._seed, self._device = seed, device
        self.batch_size = min(batch_size, len(indices))
        self._per_epoch = len(indices) // self.batch_size
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)
        cached = len(indices) * samples.shape[1] * 4 <= CACHE_BYTES
        self._cache = self._gather(np.arange(len(indices))) if cached else None

    def batch(self, step: int) -> Tensor:
        """Return the batch (batch_size, d) of a step; each epoch visits a row once.

        In random order also where a batch is all rows: many take its first rows only.
        """
        epoch, slot = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed((self._seed + epoch) % 2**63)
            self._order = torch.randperm(len(self._indices), generator=generator)
            self._epoch = epoch
        rows = self._order[slot * self.batch_size : (slot + 1) * self.batch_size]
        if self._cache is not None:
            return self._cache[rows.to(self._device)]
        return self._gather(rows.numpy())

    def head(self, count: int) -> Tensor:
        """Return the first rows (at most `count`), which are in random order."""
        if self._cache is not None:
            return self._cache[:count]
        return self._gather(np.arange(min(count, len(self._indices))))

    def _gather(self, rows: NDArray[np.intp]) -> Tensor:
        chosen = self._indices[rows]
        out = np.empty((len(rows), self._samples.shape[1]), dtype=np.float32)
        for start in range(0, len(rows), 65_536):
            part = slice(start, start + 65_536)
            out[part] = self._scaler.for_critic(self._samples[chosen[part]])
        return torch.from_numpy(out).to(self._device)


class FoldBatches:
    """Batches of several folds side by side, of equal size."""

    def __init__(self, folds: Sequence[Batches]) -> None:
        self._folds = tuple(folds)

    def batch(self, step: int) -> Tensor:
        """Return the batches (F, batch_size, d) of a step."""
        return torch.stack([fold.batch(step) for fold in self._folds])

    def head(self, count: int) -> Tensor:
        """Return the first rows (F, at most count, d) of each fold, in random order."""
        heads = [fold.head(count) for fold in self._folds]
        fewest = min(len(head) for head in heads)
        return torch.stack([head[:fewest] for head in heads])
