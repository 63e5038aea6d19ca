"""The csv format: comma-separated numbers, one sample a line, perhaps a line of names.

Nothing is guessed: a cell is a number as C's strtod reads it, or the file is refused.
The first line is taken for names when none of its cells is a number.
"""

import itertools
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kantor.service.decoding.formats import MEBIBYTE, Limits, Undecodable

MAX_LINE_BYTES = MEBIBYTE
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ITEM_BYTES = 8


def csv_to_npy(path: Path, output: Path, limits: Limits) -> None:
    """Read a csv file and write its numbers as an npy file of float64.

    Raises:
        Undecodable: A cell is no number, a line is too long or has another number of
            cells than the first, or there are more of them than allowed.
    """
    values = array("d")
    columns = rows = 0
    for number, cells in _lines(path):
        if rows == 0:
            columns = len(cells)
            limits.check_columns(columns)
        if len(cells) != columns:
            raise Undecodable(
                f"expected {columns} cells on every line, "
                f"received {len(cells)} on line {number}"
            )
        rows += 1
        values.extend(_numbers(cells, number))
        if rows > limits.max_samples or len(values) * _ITEM_BYTES > limits.max_bytes:
            limits.check_shape((rows, columns), _ITEM_BYTES)
    if rows == 0:
        raise Undecodable("expected lines of numbers, received none")
    np.save(output, np.frombuffer(values).reshape(rows, columns))


def _lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield line numbers and cells, without a line of names and blank last lines."""
    blank = None
    with path.open("rb") as file:
        for number in itertools.count(1):
            line = file.readline(MAX_LINE_BYTES + 1)
            if not line:
                return
            if len(line) > MAX_LINE_BYTES:
                raise Undecodable(
                    f"expected lines of at most {MAX_LINE_BYTES} bytes, "
                    f"received a longer line {number}"
                )
            line = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            if not line.strip():
                blank = blank or number
                continue
            if blank is not None:
                raise Undecodable(f"expected numbers, received a blank line {blank}")
            cells = line.rstrip(b"\r\n").split(b",")
            if number > 1 or any(map(_is_number, cells)):
                yield number, cells


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return b"_" not in cell


def _numbers(cells: list[bytes], line: int) -> list[float]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = []
    if not numbers or any(b"_" in cell for cell in cells):  # Python reads 1_0 as 10
        column = next(i for i, cell in enumerate(cells) if not _is_number(cell))
        received = cells[column][:40].decode("utf-8", "replace")
        raise Undecodable(
            f"expected a number, received {received!r} on line {line}, column {column}"
        )
    return numbers
