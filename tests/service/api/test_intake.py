"""What is checked before samples are kept."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import InvalidSamples
from kantor.service.api.errors import InvalidFile, InvalidRequest, LimitExceeded
from kantor.service.api.intake import (
    BLOCK_BYTES,
    Intake,
    Size,
    refuse_booleans,
    save_file,
    save_stream,
)
from kantor.service.decoding import Reading
from kantor.service.formats import FileFormat
from kantor.service.queue import SampleRef
from kantor.service.settings import Settings
from kantor.service.store import DatasetStore

ROWS = [[float(i), 1.0] for i in range(50)]


def intake_of(folder: Path, **limits: Any) -> Intake:
    settings = Settings.model_validate({"data_dir": folder} | limits)
    return Intake(settings, DatasetStore(folder))


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([*ROWS, [True, 1.0]], "#/source/samples/50"),
        ([False, *ROWS], "#/source/samples/0"),
    ],
)
def test_booleans_are_no_numbers(rows: list[Any], place: str) -> None:
    with pytest.raises(InvalidRequest, match="boolean") as refused:
        refuse_booleans("source/samples", rows)
    assert refused.value.errors[0].pointer == place


def test_more_rows_than_allowed_are_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(
        LimitExceeded, match=r"at most 49 samples \(max_samples\), received 50"
    ):
        intake_of(tmp_path, max_samples=49).keep_rows("source", ROWS)
    assert list(tmp_path.rglob("*.npy")) == []


def test_a_file_names_the_field_it_came_by(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"nothing")
    with pytest.raises(InvalidFile) as refused:
        intake_of(tmp_path).keep_file("target", path, FileFormat.NPY, Reading())
    assert refused.value.errors[0].pointer == "#/target"


def test_weights_are_one_column_of_numbers_from_0(tmp_path: Path) -> None:
    intake = intake_of(tmp_path)
    kept = intake.keep_weights("source/weights", [1.0, 0.0] * 25, 50)
    assert (kept.n, kept.dim) == (50, 1)
    intake.check_weights("source_weights", kept, 50)
    for wrong in ([-1.0] * 50, [1.0] * 49, [float("nan")] * 50):
        with pytest.raises(InvalidSamples):
            intake.keep_weights("source/weights", wrong, 50)
    two = intake.keep_rows("source", ROWS)
    with pytest.raises(InvalidSamples, match="expected one column of weights, got 2"):
        intake.check_weights("source_weights", two, 50)


def test_a_dataset_stored_anew_is_described_anew(tmp_path: Path) -> None:
    intake, store = intake_of(tmp_path), DatasetStore(tmp_path)
    first = intake.keep_rows("source", ROWS)
    assert intake.describe(first.id) == first
    store.delete(first.id)
    again = intake.keep_rows("source", ROWS)
    assert intake.describe(again.id).created_at == again.created_at


def test_a_pair_is_compared_once_for_each_setting(tmp_path: Path) -> None:
    intake, config = intake_of(tmp_path), EstimateConfig(seed=1)
    source, target = (
        SampleRef(intake.keep_rows(side, rows).id, 50, 2)
        for side, rows in (("source", ROWS), ("target", ROWS[::-1]))
    )
    assert not intake.is_comparable(source, target, config)
    intake.check_comparable(source, target, config)
    assert intake.is_comparable(source, target, config)
    assert not intake.is_comparable(target, source, config)
    assert not intake.is_comparable(source, target, EstimateConfig(seed=2))


def test_what_does_not_match_is_refused_each_time(tmp_path: Path) -> None:
    intake, config = intake_of(tmp_path), EstimateConfig()
    wide = [[*row, 0.0] for row in ROWS]
    source = SampleRef(intake.keep_rows("source", ROWS).id, 50, 2)
    target = SampleRef(intake.keep_rows("target", wide).id, 50, 3)
    for _ in range(2):
        with pytest.raises(InvalidSamples):
            intake.check_comparable(source, target, config)
        assert not intake.is_comparable(source, target, config)


def test_only_a_few_work_at_a_time(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, api_processes=2)
    lock, working, most = threading.Lock(), [0], [0]

    def work(pause: threading.Event) -> None:
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        pause.wait(0.05)
        with lock:
            working[0] -= 1

    async def run() -> None:
        pause = threading.Event()
        await asyncio.gather(
            *(intake.in_thread("", work, pause, size=Size.LARGE) for _ in range(8))
        )

    asyncio.run(run())
    assert most[0] == 2


def test_a_received_body_is_saved_whole(tmp_path: Path) -> None:
    body = np.random.default_rng(0).bytes(2 * BLOCK_BYTES + 7)

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    asyncio.run(save_stream(stream(), tmp_path / "stream"))
    save_file(io.BytesIO(body), tmp_path / "file")
    assert (tmp_path / "stream").read_bytes() == body
    assert (tmp_path / "file").read_bytes() == body


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    assert list((tmp_path / "incoming").glob("*")) == []


def test_a_folder_for_received_bytes_is_on_the_stores_disk(tmp_path: Path) -> None:
    with intake_of(tmp_path).folder() as folder:
        assert Path(folder).parent == tmp_path / "incoming"
        (Path(folder) / "body").write_bytes(b"x")
