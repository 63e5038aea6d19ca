"""The requests that docs/api.md shows are answered, block by block.

Ids that a page cannot know (`job_...`, `ds_...`, `up_...`) and rows that it leaves out
(`"..."`) are put in; everything else runs as it stands. curl fails on any refusal.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.service.client import Dataset, Job, KantorClient
from tests.docs.blocks import HTTP_EXAMPLES, shell_blocks

BLOCKS = [block.text for block in shell_blocks(HTTP_EXAMPLES)]
CURL = """
set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body --max-time 60 "$@"; }
"""
NEEDS_AN_OPERATOR = "webhook="
QUICK = {"effort": "quick", "steps": 10, "sample_bounds": False}

pytestmark = [
    pytest.mark.skipif(not shutil.which("curl"), reason="needs curl"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every file that the page names."""
    folder, rng = tmp_path_factory.mktemp("api"), np.random.default_rng(0)
    x, y = rng.normal(size=(2, 200, 2))
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y + 1.0)
    np.save(folder / "b0.npy", x[:50])
    for name, rows in (("x", x), ("y", y), ("batch", y)):
        text = "\n".join(f"{a:.4f};{b:.4f}" for a, b in rows)
        (folder / f"{name}.csv").write_text(f"a;b\n{text}\n")
    (folder / "w.csv").write_text("1\n" * 200)
    text = "\n".join(f"{a:.4f};note {i}" for i, (a, _) in enumerate(x))
    (folder / "data.csv").write_text(f"a;note\n{text.replace('.', ',')}\n")
    return folder


def ended_job(service: KantorClient, folder: Path, *, of_tables: bool) -> Job:
    """Return a job that has succeeded; all but the first are answered from cache."""
    rng = np.random.default_rng(0)
    sides: list[Any] = [folder / "x.npy", folder / "y.npy"]
    if of_tables:
        cities = rng.choice(["Ulm", "Bonn"], 100)
        ages = rng.normal(40.0, 9.0, 100)
        sides = [{"age": ages + shift, "city": cities} for shift in (0.0, 5.0)]
    return service.submit(*sides, config=QUICK).wait(timeout_s=120)


def completed(block: str, service: KantorClient, folder: Path) -> str:
    """Put in what the page leaves out."""
    block = block.replace(', "..."]', f"{', [0.1, 0.2]' * 50}]")
    if "job_..." in block:
        of_tables = '"columns": {' in block
        job = ended_job(service, folder, of_tables=of_tables)
        block = block.replace("job_...", job.id)
    if "ds_..." in block:
        block = block.replace("ds_...", any_dataset(service).id)
    if "up_..." in block:
        upload = service.start_upload()
        service.send_batch(upload.id, np.ones((50, 2)), index=1)
        block = block.replace("up_...", upload.id)
    return block


def any_dataset(service: KantorClient) -> Dataset:
    """Return a new dataset of two columns and a thousand rows."""
    rng = np.random.default_rng()
    return service.upload_dataset(rng.normal(size=(1000, 2)))


@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_a_block_of_requests_is_answered(
    index: int, live_service: KantorClient, folder: Path
) -> None:
    block = BLOCKS[index]
    if NEEDS_AN_OPERATOR in block:
        pytest.skip("webhooks are off by default")
    address = live_service.base_url.rstrip("/")
    script = f"K={address}\n{CURL}{completed(block, live_service, folder)}"
    ended = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True
    )
    for job in live_service.jobs():  # nobody waits for what the block has queued
        if not job.ended:
            job.cancel()
    assert ended.returncode == 0, f"{script}\n{ended.stdout[-2000:]}{ended.stderr}"


def test_there_are_blocks_and_few_are_skipped() -> None:
    assert len(BLOCKS) > 10
    assert sum(bool(re.search(NEEDS_AN_OPERATOR, block)) for block in BLOCKS) == 1
