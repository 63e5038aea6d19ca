"""The npy format, by a reader of our own that allocates nothing it was not given.

The header is a Python literal of a few dozen bytes. It is parsed, never evaluated; its
dtype must be in a short list of numbers (objects would mean pickle); and the bytes that
follow must be exactly as many as shape and dtype say. Then the file is memory-mapped.
"""

import ast
import math
import mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kantor.service.decoding.limits import Limits, Undecodable

MAGIC = b"\x93NUMPY"
MAX_HEADER_BYTES = 10_000
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
_KINDS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {
    "f2",
    "f4",
    "f8",
}
DTYPES = {order + kind for order in "<>|=" for kind in _KINDS}


class FrugalMap(np.memmap[Any, Any]):
    """A mapped file of which only the block of rows taken last stays in memory.

    Mapped pages count as memory of the process. This is for one pass over a large file
    in blocks; random access would read the same pages again and again.
    """

    def __getitem__(self, key: Any) -> Any:
        """Let go of all pages, then take rows."""
        mapped = getattr(self, "_mmap", None)
        if mapped is not None:
            mapped.madvise(mmap.MADV_DONTNEED)
        return super().__getitem__(key)


def read_npy(path: Path, limits: Limits) -> NDArray[np.generic]:
    """Map an npy file as a read-only array.

    Raises:
        Undecodable: The header is malformed, asks for what is not allowed, or does not
            agree with the number of bytes in the file.
    """
    with path.open("rb") as file:
        header = _read_header(file)
        offset = file.tell()
    dtype, shape, order = _check_header(header)
    limits.check_shape(shape, dtype.itemsize)
    expected = math.prod(shape) * dtype.itemsize
    received = path.stat().st_size - offset
    if received != expected:
        raise Undecodable(
            f"expected {expected} bytes for shape {shape} of {dtype}, "
            f"received {received}"
        )
    if expected == 0:  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, mode="r", offset=offset, shape=shape, order=order)


def _read_header(file: BinaryIO) -> Any:
    """Parse the dictionary between the magic string and the data."""
    start = file.read(len(MAGIC) + 2)
    if not start.startswith(MAGIC) or len(start) != len(MAGIC) + 2:
        raise Undecodable(r"expected an npy file (it begins with \x93NUMPY)")
    size_bytes = _LENGTH_BYTES.get(start[len(MAGIC)])
    if size_bytes is None:
        raise Undecodable(f"expected npy version 1 to 3, received {start[-2]}")
    size = int.from_bytes(file.read(size_bytes), "little")
    if size > MAX_HEADER_BYTES:
        raise Undecodable(
            f"expected an npy header of at most {MAX_HEADER_BYTES} bytes, "
            f"received {size}"
        )
    try:
        return ast.literal_eval(file.read(size).decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise Undecodable("expected an npy header that is a dictionary") from error


def _check_header(header: Any) -> tuple[np.dtype[Any], tuple[int, ...], Any]:
    """Return dtype, shape and memory order, once each is what it must be."""
    names = {"descr", "fortran_order", "shape"}
    if not isinstance(header, dict) or header.keys() != names:
        raise Undecodable(f"expected an npy header with exactly {sorted(names)}")
    descr, shape, fortran = header["descr"], header["shape"], header["fortran_order"]
    if not isinstance(descr, str) or descr not in DTYPES:
        raise Undecodable(
            "expected a dtype of real numbers (f2 f4 f8, i1 to i8, u1 to u8), received "
            f"{str(descr)[:40]!r}; arrays of Python objects are never loaded"
        )
    if not isinstance(shape, tuple) or not all(
        type(size) is int and size >= 0 for size in shape
    ):
        raise Undecodable("expected a shape of non-negative integers")
    if not isinstance(fortran, bool):
        raise Undecodable("expected fortran_order to be True or False")
    return np.dtype(descr), shape, "F" if fortran else "C"
