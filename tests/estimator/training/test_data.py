"""Training data: fit samples to train on, validation samples to choose by, no test."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from kantor.estimator.samples.pair import Pair
from kantor.estimator.training.data import TrainingData, training_data


def seen(data: TrainingData) -> torch.Tensor:
    """Return all that training may look at."""
    steps = [data.source.batch(s) for s in range(4)]
    steps += [data.target.batch(s) for s in range(4)]
    heads = data.heads(1000)
    return torch.cat([*steps, *heads, data.validation_x, data.validation_y], dim=1)


@pytest.mark.parametrize("folds", [1, 3])
def test_no_fold_sees_its_test_samples(folds: int, setting: Callable[..., Any]) -> None:
    found = setting(folds=folds)
    for f, fold in enumerate(found.partition.folds):
        x, y = (np.array(s) for s in (found.partition.pair.x, found.partition.pair.y))
        x[fold.x.test], y[fold.y.test] = 1e3, -1e3
        changed = replace(found.partition, pair=Pair(x, y))
        other = training_data(changed, found.config, torch.device("cpu"), batch_size=64)
        assert torch.equal(seen(found.data)[f], seen(other)[f])


def test_parts_are_scaled_by_their_fold(setting: Callable[..., Any]) -> None:
    found = setting(folds=2)
    for f, fold in enumerate(found.partition.folds):
        expected = fold.scaler(found.partition.pair.x[fold.x.validation])
        fewest = found.data.validation_x.shape[1]
        got = {tuple(row) for row in found.data.validation_x[f].tolist()}
        wanted = {tuple(row) for row in expected.astype(np.float32).tolist()}
        assert len(got) == fewest
        assert got <= wanted


def test_sides_are_drawn_apart(setting: Callable[..., Any]) -> None:
    found = setting()
    same = Pair(found.partition.pair.x, found.partition.pair.x)
    fold = found.partition.folds[0]
    alike = replace(found.partition, pair=same, folds=(replace(fold, y=fold.x),))
    data = training_data(alike, found.config, torch.device("cpu"), batch_size=64)
    assert not torch.equal(data.source.batch(0), data.target.batch(0))


def test_the_unit_is_that_of_the_answer(setting: Callable[..., Any]) -> None:
    found = setting(folds=3)
    assert found.data.unit == found.partition.common.unit
