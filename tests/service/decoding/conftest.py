"""Files of one array in every format, and the number of fuzzing examples."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from numpy.typing import NDArray

Write = Callable[[str, bytes], Path]

settings.register_profile("fuzz", max_examples=10_000, deadline=None)


@pytest.fixture(scope="session")
def array() -> NDArray[Any]:
    return np.random.default_rng(3).normal(size=(60, 3))


@pytest.fixture(scope="session")
def files(array: NDArray[Any]) -> dict[str, bytes]:
    npy, npz, parquet, arrow = (io.BytesIO() for _ in range(4))
    np.save(npy, array)
    np.savez_compressed(npz, samples=array)
    columns = {f"c{i}": array[:, i] for i in range(array.shape[1])}
    pq.write_table(pa.table(columns), parquet)
    table = pa.table(columns)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    csv = "\n".join(",".join(map(repr, row)) for row in array.tolist())
    rows = [json.dumps(row) for row in table.to_pylist()]
    return {
        "npy": npy.getvalue(),
        "npz": npz.getvalue(),
        "csv": f"a,b,c\n{csv}\n".encode(),
        "tsv": f"a,b,c\n{csv}\n".replace(",", "\t").encode(),
        "jsonl": "\n".join(rows).encode(),
        "arrow": arrow.getvalue(),
        "parquet": parquet.getvalue(),
    }


@pytest.fixture(scope="session")
def mixed_files() -> dict[str, bytes]:
    """Return a table of every kind, in every format that has names."""
    rng = np.random.default_rng(4)
    days = np.datetime64("2021-03-01") + np.arange(50)
    table = pa.table(
        {
            "": list(range(50)),
            "x": rng.normal(size=50),
            "k": [None if i % 9 == 0 else i for i in range(50)],
            "b": (rng.random(50) < 0.5).tolist(),
            "s": rng.choice(["a", "b,c", 'd"e', "fä"], 50).tolist(),
            "t": days.tolist(),
        }
    )
    csv, parquet, arrow = (io.BytesIO() for _ in range(3))
    pyarrow.csv.write_csv(table, csv)
    pq.write_table(table, parquet)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    rows = [json.dumps(row, default=str) for row in table.to_pylist()]
    return {
        "csv": csv.getvalue(),
        "tsv": csv.getvalue().replace(b",", b"\t"),
        "jsonl": "\n".join(rows).encode(),
        "parquet": parquet.getvalue(),
        "arrow": arrow.getvalue(),
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file
