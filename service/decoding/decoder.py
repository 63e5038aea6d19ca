"""Choose the reader of a file and hand out what it finds as an array."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kantor.service.decoding.formats import FileFormat, Limits
from kantor.service.decoding.npy import FrugalMap, read_npy
from kantor.service.decoding.sandbox import run_decoder


@contextmanager
def decode(
    path: Path, file_format: FileFormat, limits: Limits
) -> Iterator[NDArray[np.generic]]:
    """Lend the array that a file holds; it is mapped, and gone when the block ends.

    Meant for passes over blocks of rows, see `FrugalMap`.

    Raises:
        Undecodable: The file is not what its format says, or over a limit.
    """
    if file_format is FileFormat.NPY:
        yield _frugal(read_npy(path, limits))
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="decode-") as folder:
        output = Path(folder) / "samples.npy"
        run_decoder(path, file_format, output, limits)
        yield _frugal(read_npy(output, limits))


def _frugal(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return array.view(FrugalMap) if isinstance(array, np.memmap) else array


def load_samples(path: Path, limits: Limits | None = None) -> NDArray[np.generic]:
    """Load a local file by its extension; npy stays a memory map.

    Raises:
        Undecodable: As `decode`, or the extension is not known.
        OSError: The file cannot be opened.
    """
    file_format = FileFormat.of_path(path)
    limits = limits or Limits(max_bytes=2**40, memory_bytes=2**40, timeout_s=3600.0)
    if file_format is FileFormat.NPY:
        return read_npy(path, limits)
    with tempfile.TemporaryDirectory(prefix="kantor-") as folder:
        output = Path(folder) / "samples.npy"
        run_decoder(path.resolve(), file_format, output, limits)
        return np.array(read_npy(output, limits))
