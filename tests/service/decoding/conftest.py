"""Files of one array in every format, and the number of fuzzing examples."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
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


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file
