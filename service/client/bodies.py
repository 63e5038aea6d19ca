"""Samples as they go up: arrays as npy, tables as Arrow, files as they are.

A table keeps the names and kinds of its columns: pandas, polars, pyarrow and dicts of
columns all become one Arrow stream. Large arrays go up in batches, each with its
digest.
"""

import base64
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.tensors import to_numpy
from kantor.service.client.steps import Blocks
from kantor.service.formats import (
    FORMATS,
    UNKNOWN_MEDIA_TYPE,
    FileFormat,
    media_type_of_name,
)

NPY = FORMATS[FileFormat.NPY].media_types[0]
ARROW_STREAM = FORMATS[FileFormat.ARROW].media_types[1]

BATCH_BYTES = 16 << 20
"""Largest array that goes up in one piece."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Body:
    """A whole dataset in one body."""

    blocks: Blocks
    media_type: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a dataset."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Batches:
    """An array, or a table of pyarrow, that goes up in pieces."""

    samples: Any

    def __iter__(self) -> Iterator[Batch]:
        """Yield blocks of rows."""
        row_bytes = max(1, self.samples.nbytes // max(1, len(self.samples)))
        rows = max(1, BATCH_BYTES // row_bytes)
        for start in range(0, len(self.samples), rows):
            yield batch_of(self.samples[start : start + rows])


def body_of(samples: Any, media_type: str | None = None) -> Body | Batches:
    """Return how samples go up.

    Args:
        samples: A path, bytes, a frame or dict of columns, or an array of any library.
        media_type: Of bytes, or of a file whose name does not say it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A frame has a column that Arrow cannot hold; names it.
    """
    if isinstance(samples, str | Path):
        return _of_file(Path(samples), media_type)
    if isinstance(samples, bytes):
        return Body(partial(_pieces, samples), media_type or UNKNOWN_MEDIA_TYPE)
    if is_table(samples):
        table = arrow_table(samples)
        if table.nbytes > BATCH_BYTES:
            return Batches(table)
        return Body(partial(_pieces, arrow_bytes(table)), ARROW_STREAM)
    array = to_numpy(samples)
    if array.ndim in (1, 2) and array.nbytes > BATCH_BYTES:
        return Batches(array)
    return Body(partial(_pieces, npy_bytes(array)), NPY)


def batch_of(samples: Any) -> Batch:
    """Return some rows, of an array or of a table, as they go up."""
    if is_table(samples):
        return Batch(arrow_bytes(samples), ARROW_STREAM)
    return Batch(npy_bytes(to_numpy(samples)), NPY)


def is_table(samples: Any) -> bool:
    """Tell whether samples have names of columns."""
    if isinstance(samples, Mapping):
        return True
    if isinstance(samples, np.ndarray):
        return samples.dtype.names is not None
    if hasattr(samples, "collect_schema"):  # polars, lazy or not
        return True
    has_columns = isinstance(getattr(samples, "columns", None), Iterable)
    return has_columns or hasattr(samples, "column_names")


def npy_bytes(array: NDArray[Any]) -> bytes:
    """Write an array as a npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def arrow_bytes(table: Any) -> bytes:
    """Write a table as an Arrow stream; raises as `arrow_table`."""
    import pyarrow as pa

    found = arrow_table(table)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, found.schema) as writer:
        writer.write_table(found)
    return sink.getvalue()


def digest_of(content: bytes) -> str:
    """Return the value of `Content-Digest` (RFC 9530)."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return f"sha-256=:{digest}:"


def arrow_table(table: Any) -> Any:
    """Return a frame or a dict of columns as a `pyarrow.Table`.

    Raises:
        ValueError: Arrow cannot hold a column; its message names it.
    """
    import pyarrow as pa

    try:
        return _arrow_table(table)
    except pa.ArrowException as error:
        detail = "; ".join(str(part) for part in error.args)
        raise ValueError(f"expected columns of one type each: {detail}") from error


def _arrow_table(table: Any) -> Any:
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if hasattr(table, "iloc"):  # pandas, whose index is no column
        named = table.set_axis([str(name) for name in table.columns], axis="columns")
        return pa.Table.from_pandas(named, preserve_index=False)
    if hasattr(table, "collect_schema") and hasattr(table, "collect"):
        table = table.collect()  # a lazy frame of polars
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    if isinstance(table, np.ndarray):
        table = {name: table[name] for name in table.dtype.names or ()}
    return pa.table({str(name): _column(cells) for name, cells in table.items()})


def _column(cells: Any) -> Any:
    return cells if isinstance(cells, list | tuple) else to_numpy(cells)


def _of_file(path: Path, media_type: str | None) -> Body | Batches:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file, found none")
    media_type = media_type or media_type_of_name(path.name)
    if media_type == NPY and path.stat().st_size > BATCH_BYTES:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim in (1, 2) and array.dtype.names is None:
            return Batches(array)
    return Body(partial(_file_blocks, path), media_type)


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _BLOCK_BYTES):
        yield content[start : start + _BLOCK_BYTES]


def _file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
