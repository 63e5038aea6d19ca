"""Write a dataset a block of rows at a time, in its canonical form."""

import contextlib
import hashlib
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from kantor.service.store.folder import Folder
from kantor.service.store.names import table_digest

HEADER_BYTES = 128
CHUNK_BYTES = 8 * 1024 * 1024

_SINGLE: np.dtype[Any] = np.dtype("<f4")
_DOUBLE: np.dtype[Any] = np.dtype("<f8")


class DatasetWriter:
    """A temporary npy file that grows, until `commit` gives it its name.

    Rows are kept as float32 until the first value that is not one; then what is there
    is widened, once. Memory stays at a few blocks whatever the size of the whole.
    """

    def __init__(self, folder: Folder, dim: int, *, gaps: bool = False) -> None:
        if dim < 1:
            raise ValueError(f"expected at least 1 feature, received {dim}")
        self._folder = folder
        self._dim = dim
        self._gaps = gaps
        self._dtype = _SINGLE
        self.n = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._file, self._path = self._stack.enter_context(self._folder.temporary())
        self._file.seek(HEADER_BYTES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows (k, d) of real numbers, finite unless there may be gaps.

        Raises:
            ValueError: The shape does not fit, or a value is not finite.
        """
        if rows.ndim != 2 or rows.shape[1] != self._dim:
            raise ValueError(
                f"expected rows of {self._dim} features, received shape {rows.shape}"
            )
        step = max(1, CHUNK_BYTES // (8 * self._dim))
        for start in range(0, len(rows), step):
            self._append_block(rows[start : start + step])

    def commit(self, names: bytes | None = None) -> str:
        """Store what was appended, and names beside it; return the digest of all."""
        header = _npy_header(self._dtype, (self.n, self._dim))
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()
        digest = _digest(self._file)
        if names is not None:
            digest = table_digest(digest, names)
            self._folder.keep_beside(digest, names)
        self._folder.keep(self._file, self._path, digest)
        return digest

    def _append_block(self, rows: NDArray[Any]) -> None:
        block: NDArray[Any] = rows.astype(_DOUBLE) + 0.0  # -0.0 + 0.0 is 0.0
        if self._gaps:
            block[np.isnan(block)] = np.nan  # of one bit pattern
        elif not np.isfinite(block).all():
            raise ValueError("expected finite numbers, received NaN or infinity")
        if self._dtype == _SINGLE:
            with np.errstate(over="ignore", under="ignore"):
                narrow = block.astype(_SINGLE)
            if np.array_equal(narrow, block, equal_nan=self._gaps):
                block = narrow
            else:
                self._widen()
        self._file.write(block.tobytes())
        self.n += len(block)

    def _widen(self) -> None:
        """Rewrite the rows so far as float64, from the end to the beginning.

        Backwards, each block lands where only rows already moved have been.
        """
        self._file.flush()
        total = self.n * self._dim
        step = CHUNK_BYTES // _DOUBLE.itemsize
        for stop in range(total, 0, -step):
            start = max(0, stop - step)
            self._file.seek(HEADER_BYTES + start * _SINGLE.itemsize)
            raw = self._file.read((stop - start) * _SINGLE.itemsize)
            self._file.seek(HEADER_BYTES + start * _DOUBLE.itemsize)
            self._file.write(np.frombuffer(raw, _SINGLE).astype(_DOUBLE).tobytes())
        self._file.seek(HEADER_BYTES + total * _DOUBLE.itemsize)
        self._dtype = _DOUBLE


def _npy_header(dtype: np.dtype[Any], shape: tuple[int, int]) -> bytes:
    """Return an npy header (format 1.0) of `HEADER_BYTES` bytes."""
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    magic = b"\x93NUMPY\x01\x00"
    length = HEADER_BYTES - len(magic) - 2
    body = text.encode("ascii").ljust(length - 1) + b"\n"
    return magic + length.to_bytes(2, "little") + body


def _digest(file: BinaryIO) -> str:
    """Return the SHA-256 digest of a whole file: header (dtype, shape) and values."""
    file.seek(0)
    hashed = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        hashed.update(chunk)
    return hashed.hexdigest()
