"""Write columns of Arrow, batch by batch, as one array of numbers and their names.

What is left behind is an npy file (n, d) of float64 and, for a table, a JSON document
beside it. Memory stays at one batch, whatever the length of the table.
"""

import json
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.arrow import ArrowColumn
from kantor.estimator.samples.table import Column, Table, distinct_names
from kantor.service.decoding.limits import Limits, Undecodable
from kantor.service.decoding.npy import read_npy

ITEM_BYTES = 8
HEADER_BYTES = 128
NOT_READ = "not read"
_BLOCK_BYTES = 8 * 1024 * 1024


class Sink:
    """Receives the columns of a table; used as a context manager, then `finish`.

    Args:
        output: The npy file to write.
        names: Of the columns; None where the file has none.
        types: `pyarrow.DataType` of each.
        limits: How much may come.
        index: Names that the writer calls an index.
        drop: Names that are known, and not read.

    Raises:
        Undecodable: Names are not distinct, or columns too many.
    """

    def __init__(
        self,
        output: Path,
        names: Sequence[str] | None,
        types: Sequence[Any],
        limits: Limits,
        *,
        index: Collection[str] = (),
        drop: Collection[str] = (),
    ) -> None:
        limits.check_columns(len(types))
        numbered = [f"column {place + 1}" for place in range(len(types))]
        try:
            self.names = distinct_names(numbered if names is None else names)
        except ValueError as error:
            raise Undecodable(str(error)) from error
        self._named = names is not None
        self._output, self._limits = output, limits
        self.read = [place for place, n in enumerate(self.names) if n not in drop]
        self._columns = {
            place: ArrowColumn(
                self.names[place], types[place], index=self.names[place] in index
            )
            for place in self.read
        }
        self.rows = 0
        self._gaps = False

    def __enter__(self) -> Self:
        self._file = self._output.open("wb")
        self._file.write(bytes(HEADER_BYTES))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, arrays: Sequence[Any], rows: int) -> None:
        """Append a batch: an Arrow array for each column that is read, in order.

        Raises:
            Undecodable: There are more rows than allowed.
        """
        width = len(self.names)
        self._limits.check_shape((self.rows + rows, width), ITEM_BYTES)
        block = np.full((rows, width), np.nan)
        for place, array in zip(self.read, arrays, strict=True):
            block[:, place] = self._columns[place].convert(array)
        self._gaps = self._gaps or bool(np.isnan(block).any())
        self._file.write(block.tobytes())
        self.rows += rows

    def finish(self, notes: Sequence[str] = ()) -> None:
        """Write what is known only now: the number of rows, sorted levels, names.

        A file without names whose values are all numbers, none missing, is an array,
        and nothing is written beside it.

        Raises:
            Undecodable: There are no rows.
        """
        if not self.rows:
            raise Undecodable("expected rows of values, received none")
        shape = (self.rows, len(self.names))
        self._file.seek(0)
        self._file.write(npy_header(shape))
        self._file.close()
        columns, finishers = [], {}
        for place, name in enumerate(self.names):
            if place not in self._columns:
                columns.append(_unread(name))
                continue
            column, finisher = self._columns[place].finish()
            columns.append(column)
            if column.levels or not column.kept:
                finishers[place] = finisher
        _rewrite(self._output, shape, finishers)
        numbers = all(column.kind == "number" for column in columns)
        if self._named or not numbers or self._gaps:
            document = {
                "columns": [column.to_document() for column in columns],
                "notes": list(notes),
            }
            beside(self._output).write_text(json.dumps(document), "utf-8")


def beside(output: Path) -> Path:
    """Return where the names of an npy file are written."""
    return output.with_suffix(".json")


def read_back(output: Path, limits: Limits) -> Table | NDArray[np.generic]:
    """Read what a decoder left: a table, or an array where there are no names."""
    values = read_npy(output, limits)
    if not beside(output).is_file():
        return values
    document = json.loads(beside(output).read_text("utf-8"))
    columns = tuple(Column.from_document(item) for item in document["columns"])
    return Table(columns, values, tuple(document["notes"]))


def npy_header(shape: tuple[int, int]) -> bytes:
    """Return an npy header (format 1.0) of `HEADER_BYTES` bytes, for float64."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    magic = b"\x93NUMPY\x01\x00"
    length = HEADER_BYTES - len(magic) - 2
    body = text.encode("ascii").ljust(length - 1) + b"\n"
    return magic + length.to_bytes(2, "little") + body


def _unread(name: str) -> Column:
    return replace(Column(name=name, kind="text"), kept=False, hint=NOT_READ)


def _rewrite(
    output: Path,
    shape: tuple[int, int],
    finishers: dict[int, Callable[[NDArray[np.float64]], NDArray[np.float64]]],
) -> None:
    """Pass over the columns that are not yet as they shall be, block by block."""
    if not finishers:
        return
    rows = max(1, _BLOCK_BYTES // (ITEM_BYTES * shape[1]))
    with output.open("r+b") as file:
        for start in range(0, shape[0], rows):
            size = (min(rows, shape[0] - start), shape[1])
            at = HEADER_BYTES + start * shape[1] * ITEM_BYTES
            file.seek(at)
            raw = file.read(math.prod(size) * ITEM_BYTES)
            block = np.frombuffer(raw, "<f8").reshape(size).copy()
            for place, finisher in finishers.items():
                block[:, place] = finisher(block[:, place])
            file.seek(at)
            file.write(block.tobytes())
