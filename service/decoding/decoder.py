"""Choose the reader of a file and hand out what it finds: an array, or a table."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.table import Table
from kantor.service.decoding.limits import Limits, Undecodable
from kantor.service.decoding.npy import FrugalMap, read_npy
from kantor.service.decoding.reading import Reading
from kantor.service.decoding.sandbox import run_decoder
from kantor.service.decoding.sink import read_back
from kantor.service.formats import FileFormat, UnknownFormat, format_of_name

Decoded = Table | NDArray[np.generic]

_LOCAL = Limits(max_bytes=2**40, memory_bytes=2**40, timeout_s=3600.0)


@contextmanager
def decode(
    path: Path,
    file_format: FileFormat,
    limits: Limits,
    reading: Reading | None = None,
) -> Iterator[Decoded]:
    """Lend what a file holds; its values are mapped, and gone when the block ends.

    Meant for passes over blocks of rows, see `FrugalMap`.

    Args:
        path: Of the file.
        file_format: Which it is taken for, whatever its name.
        limits: How large it may be.
        reading: How to read it, where that is not to be found out.

    Raises:
        Undecodable: The file is not what its format says, or over a limit.
    """
    if file_format is FileFormat.NPY:
        yield _frugal(read_npy(path, limits))
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="decode-") as folder:
        output = Path(folder) / "samples.npy"
        run_decoder(path, file_format, output, limits, reading or Reading())
        found = read_back(output, limits)
        if isinstance(found, Table):
            yield replace(found, values=_frugal(found.values))
        else:
            yield _frugal(found)


def load(
    path: Path, limits: Limits | None = None, reading: Reading | None = None
) -> Decoded:
    """Load a local file by its extension; npy stays a memory map.

    Raises:
        Undecodable: As `decode`, or the extension is not known.
        OSError: The file cannot be opened.
    """
    try:
        file_format = format_of_name(path.name)
    except UnknownFormat as error:
        raise Undecodable(str(error)) from error
    limits = limits or _LOCAL
    if file_format is FileFormat.NPY:
        return read_npy(path, limits)
    with tempfile.TemporaryDirectory(prefix="kantor-") as folder:
        output = Path(folder) / "samples.npy"
        run_decoder(path.resolve(), file_format, output, limits, reading or Reading())
        found = read_back(output, limits)
        if isinstance(found, Table):
            return replace(found, values=np.array(found.values))
        return np.array(found)


def as_array(samples: Decoded) -> NDArray[np.generic]:
    """Return the numbers of a table without their names; an array as it is.

    Raises:
        Undecodable: A column is not numbers, or lacks some.
    """
    if not isinstance(samples, Table):
        return samples
    for column in samples.columns:
        if column.kind != "number":
            raise Undecodable(
                f"expected columns of numbers, received {column.kind} in column "
                f"{column.name!r}"
            )
    gaps = np.isnan(samples.values).sum(axis=0)
    if gaps.any():
        place = int(gaps.argmax())
        raise Undecodable(
            f"expected a number in every row, received {gaps[place]:,} missing ones in "
            f"column {samples.names[place]!r}"
        )
    return samples.values


def _frugal(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return array.view(FrugalMap) if isinstance(array, np.memmap) else array
