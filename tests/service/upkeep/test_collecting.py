import os
from typing import Any

import numpy as np
import pytest

from kantor.service.queue import SampleRef
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore
from kantor.service.upkeep.collecting import collect
from kantor.service.upkeep.server import QueueAway


@pytest.fixture
def files(board: Any, settings: Settings) -> tuple[str, str, str]:
    """Return a dataset that a job needs, and one and a blob that none does; all old."""
    datasets, blobs = DatasetStore(settings.data_dir), BlobStore(settings.data_dir)
    ids = [datasets.put_array(np.full((40, 1), value)).id for value in (1.0, 2.0)]
    digest = blobs.put(b"result")
    for path in settings.data_dir.glob("*/[0-9a-f][0-9a-f]/*"):
        os.utime(path, (1, 1))
    board.enqueue(source=SampleRef(ids[0], 40, 1), target=SampleRef(ids[0], 40, 1))
    return ids[0], ids[1], digest


def test_what_no_job_needs_is_removed_and_named(
    files: tuple[str, str, str], settings: Settings
) -> None:
    needed, unused, digest = files
    swept = collect(settings).swept
    assert (swept.datasets, swept.blobs) == ([unused], [digest])
    assert DatasetStore(settings.data_dir).has(needed)
    assert not DatasetStore(settings.data_dir).has(unused)


def test_a_dry_run_says_the_same_and_removes_nothing(
    files: tuple[str, str, str], settings: Settings
) -> None:
    body = settings.data_dir / "incoming" / "old"
    body.mkdir(parents=True)
    os.utime(body, (1, 1))
    planned = collect(settings, dry_run=True).swept
    assert planned.bodies == 1
    assert body.exists()
    assert DatasetStore(settings.data_dir).has(files[1])
    assert collect(settings).swept == planned


def test_without_a_queue_nothing_is_removed(settings: Settings) -> None:
    with pytest.raises(QueueAway, match="it alone knows which files"):
        collect(Settings(data_dir=settings.data_dir))
