"""What eve sends: bombs, large batches, large files, jobs that would take a worker."""

import gzip
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.stage import Stage, Tally, small_job

MIB = 1024 * 1024
MOST_BODY_MIB = 256.0
"""The service's limit of one body, as it is by default."""

HEAVY: tuple[dict[str, Any], ...] = (
    {
        "width": 4096,
        "depth": 16,
        "folds": 20,
        "constraint": "bjorck",
        "bjorck_iterations": 200,
        "batch_size": 1_000_000,
        "steps": 1_000_000,
    },
    {"width": 4096, "depth": 16, "steps": 1_000_000, "folds": 20},
    {"batch_size": 1_048_576, "folds": 20, "steps": 1_000_000, "width": 4096},
)


def parquet_bomb() -> bytes:
    """Return a small file of a column that repeats one value for ever."""
    constant = pa.array(np.zeros(1_000_000))
    table = pa.table({f"c{i}": constant for i in range(30)})
    packed = io.BytesIO()
    with pq.ParquetWriter(packed, table.schema, compression="zstd") as writer:
        for _ in range(20):  # 4.8 GB of numbers
            writer.write_table(table)
    return packed.getvalue()


def npz_bomb() -> bytes:
    """Return zeros, packed."""
    packed = io.BytesIO()
    np.savez_compressed(packed, np.zeros((40 * MIB, 1)))
    return packed.getvalue()


def gzip_bomb() -> bytes:
    """Return lines of one cell, packed twice as often as is read."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range(1200):
            file.write(b"0\n" * (MIB // 2))
    return packed.getvalue()


def lying_npy(shape: tuple[int, ...]) -> bytes:
    """Return a header that promises more than there is."""
    head = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, described)
    return head.getvalue() + bytes(64)


def bombs(stage: Stage) -> Tally:
    """Files that are small and unpack to gigabytes, or say they do."""
    tally = Tally()
    files = {
        "application/vnd.apache.parquet": [parquet_bomb()],
        "application/x-npz": [npz_bomb()],
        "text/csv": [gzip_bomb()],
        "application/x-npy": [
            lying_npy((10**12, 1)),
            lying_npy((2**40, 2**40)),
            lying_npy((2**62, 3)),
        ],
    }
    with stage.caller("eve") as eve:
        for kind, bodies in files.items():
            for body in bodies:
                answer = _sent(eve, body, kind)
                tally.expect(answer, 422, "invalid_file")
        tally.check(_disk_mib(stage) < 64, "a bomb was kept")
    return tally


def large_batches(stage: Stage) -> Tally:
    """Batches of small integers, three at once: each takes eight times its bytes."""
    tally, rows = Tally(), stage.scale.batch_mb * 1_000_000 // 100
    file = io.BytesIO()
    np.save(file, np.ones((rows, 100), dtype=np.int8))
    peak, kind = [stage.api_memory_mib()], {"Content-Type": "application/x-npy"}
    with stage.caller("eve") as eve, ThreadPoolExecutor(3) as pool:
        path = eve.post("/v1/uploads").headers["location"]

        def send(index: int) -> httpx.Response:
            return eve.post(
                f"{path}/batches",
                params={"index": index},
                content=file.getvalue(),
                headers=kind,
            )

        sent = [pool.submit(send, i) for i in range(3)]
        while not all(answer.done() for answer in sent):
            peak.append(stage.api_memory_mib())
        eve.delete(path)
    grown = max(peak) - peak[0]
    tally.check(grown < 2 * MOST_BODY_MIB, f"{grown:.0f} MiB for a batch")
    for answer in (s.result() for s in sent):
        tally.check(
            answer.status_code in (201, 408, 413, 422),
            f"a batch got {answer.status_code}",
        )
    return tally


def large_files(stage: Stage) -> Tally:
    """Large csv files, many at once, which keep every decoder busy."""
    tally = Tally()
    line = b"0.12345,0.54321,abc\n"
    body = b"a,b,c\n" + line * (stage.scale.csv_mb * 1_000_000 // len(line))
    with stage.caller("eve") as eve, ThreadPoolExecutor(stage.scale.files) as pool:
        answers = pool.map(
            lambda _: _sent(eve, _parts(body), "text/csv"), range(stage.scale.files)
        )
        for answer in answers:
            known = answer.status_code in (201, 408, 413, 422, 429)
            tally.check(known, f"a file got {answer.status_code}")
    return tally


def heavy_jobs(stage: Stage) -> Tally:
    """Jobs of three kilobytes that would take gigabytes and days."""
    tally = Tally()
    with stage.caller("eve") as eve:
        for config in HEAVY:
            body = small_job() | {"config": config}
            tally.expect(eve.post("/v1/jobs", json=body), 422, "limit_exceeded")
        paths = {"config": {"device": "../../etc/passwd"}}
        tally.expect(eve.post("/v1/jobs", json=small_job() | paths), 422)
    return tally


def heavy_json(stage: Stage) -> Tally:
    """Lists of lists, which take many times their bytes once they are parsed."""
    tally, before = Tally(), stage.api_memory_mib()
    body = b'{"source": {"samples": [' + b"[1]," * 1_900_000 + b"[1]]}}"
    kind = {"Content-Type": "application/json"}
    peak = [before]
    with stage.caller("eve") as eve, ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(eve.post, "/v1/jobs", content=body, headers=kind)
            for _ in range(8)
        ]
        while not all(answer.done() for answer in sent):
            peak.append(stage.api_memory_mib())
    for answer in (s.result() for s in sent):
        known = answer.status_code in (422, 503)
        tally.check(known, f"lists got {answer.status_code}")
    grown = max(peak) - before
    tally.check(grown < 3 * MOST_BODY_MIB, f"{grown:.0f} MiB for lists")
    return tally


def _parts(body: bytes) -> Iterator[bytes]:
    """Yield a body by megabytes.

    As a whole, a few of them keep each other's heads back in this process for longer
    than the service waits for a head, and such a silent connection is closed.
    """
    for start in range(0, len(body), MIB):
        yield body[start : start + MIB]


def _sent(
    eve: httpx.Client, body: bytes | Iterator[bytes], kind: str
) -> httpx.Response:
    return eve.post("/v1/datasets", content=body, headers={"Content-Type": kind})


def _disk_mib(stage: Stage) -> float:
    """Return what lies about of bodies that were received."""
    incoming = Path(stage.folder / "data" / "incoming")
    found = (path for path in incoming.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in found) / MIB
