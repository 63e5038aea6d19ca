"""Batches: a function of seed and step, each epoch visits a row once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.training import batches
from kantor.estimator.training.batches import Batches, FoldBatches

SCALER = Scaler(center=np.zeros(1), deviation=np.ones(1), unit=2.0)


def of_rows(
    rows: NDArray[np.intp],
    *,
    size: int = 8,
    seed: int = 0,
    samples: NDArray[np.generic] | None = None,
) -> Batches:
    """Return batches of samples whose value is twice their row."""
    values = 2.0 * np.arange(100.0)[:, None] if samples is None else samples
    return Batches(
        values, rows, SCALER, batch_size=size, seed=seed, device=torch.device("cpu")
    )


def drawn(found: Batches, step: int) -> list[int]:
    return [int(value) for value in found.batch(step).flatten().tolist()]


@pytest.fixture(params=["cached", "gathered"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "gathered":
        monkeypatch.setattr(batches, "CACHE_BYTES", 0)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_an_epoch_visits_each_row_once_at_most() -> None:
    found = of_rows(np.arange(20, 64))
    for epoch in range(3):
        visited = [row for s in range(5) for row in drawn(found, 5 * epoch + s)]
        assert len(set(visited)) == 40
        assert set(visited) <= set(range(20, 64))


@pytest.mark.usefixtures("way")
def test_any_step_gives_the_batch_it_gives_in_order() -> None:
    in_order = [drawn(of_rows(np.arange(50)), step) for step in range(20)]
    found = of_rows(np.arange(50))
    for step in (17, 3, 4, 19, 0):
        assert drawn(found, step) == in_order[step]


@pytest.mark.usefixtures("way")
def test_epochs_and_seeds_order_rows_anew() -> None:
    one, other = of_rows(np.arange(50)), of_rows(np.arange(50), seed=9)
    assert drawn(one, 0) != drawn(one, 6)  # the next epoch
    assert drawn(one, 0) != drawn(other, 0)


@pytest.mark.usefixtures("way")
def test_who_takes_the_first_rows_of_all_sees_every_row_in_time() -> None:
    found = of_rows(np.arange(20), size=20)
    seen = {row for step in range(20) for row in drawn(found, step)[:5]}
    assert seen == set(range(20))  # each is missed with chance 0.3 %


def test_both_ways_give_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = of_rows(np.arange(10, 90))
    monkeypatch.setattr(batches, "CACHE_BYTES", 0)
    gathered = of_rows(np.arange(10, 90))
    for step in range(25):
        assert torch.equal(cached.batch(step), gathered.batch(step))
    assert torch.equal(cached.head(7), gathered.head(7))


@pytest.mark.usefixtures("way")
def test_a_batch_is_never_larger_than_the_samples() -> None:
    found = of_rows(np.arange(5), size=1000)
    assert found.batch_size == 5
    assert sorted(drawn(found, 3)) == list(range(5))


@pytest.mark.usefixtures("way")
def test_heads_are_the_first_rows_scaled() -> None:
    found = of_rows(np.array([4, 2, 9]))
    assert found.head(2).flatten().tolist() == [4.0, 2.0]
    assert len(found.head(50)) == 3
    assert found.head(1).dtype == torch.float32


def test_a_mapped_file_is_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CACHE_BYTES", 0)
    np.save(tmp_path / "x.npy", 2.0 * np.arange(100.0)[:, None])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    found = of_rows(np.arange(50), samples=mapped)
    assert drawn(found, 2) == drawn(of_rows(np.arange(50)), 2)


def test_folds_lie_side_by_side_at_equal_size() -> None:
    parts = [of_rows(np.arange(30)), of_rows(np.arange(40, 90))]
    folds = FoldBatches(parts)
    assert folds.batch(0).shape == (2, 8, 1)
    assert torch.equal(folds.batch(3)[1], parts[1].batch(3))
    assert folds.head(1000).shape == (2, 30, 1)  # as many as the smallest has
