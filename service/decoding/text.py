"""Open a text file as UTF-8, whatever it is: gzip or plain, in any common encoding.

Only a start of it is looked at to tell the encoding. What comes out is counted as it
comes, so that a small gzip file cannot become an endless text.
"""

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import IO, cast

from kantor.service.decoding.limits import MEBIBYTE, Limits, Undecodable

SAMPLE_BYTES = MEBIBYTE
TEXT_FACTOR = 16
"""Most bytes of text for a byte of numbers that is allowed."""

_GZIP = b"\x1f\x8b"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that are nothing in cp1252, which is else a superset of latin-1's letters."""


class TextFile(io.RawIOBase):
    """A file of text, read as bytes of UTF-8 without a byte order mark.

    Args:
        path: Plain, or compressed by gzip, whatever its name.
        encoding: Name of a codec; None: found out.
        limits: How much may come out.

    Raises:
        Undecodable: The encoding is not known.
    """

    def __init__(self, path: Path, encoding: str | None, limits: Limits) -> None:
        super().__init__()
        self._left = self._most = TEXT_FACTOR * limits.max_bytes
        self._file = _opened(path)
        start = self._take(SAMPLE_BYTES)
        self.encoding = _codec_name(encoding) if encoding else _encoding_of(start)
        plain = self.encoding in ("utf-8", "utf-8-sig", "ascii")
        self._decoder = None if plain else codecs.getincrementaldecoder(self.encoding)()
        if plain:
            start = start.removeprefix(codecs.BOM_UTF8)
        self._ready = self._decoded(start, final=False)
        self.sample = self._ready.decode("utf-8", "replace")
        self.whole = not self._more()

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        while not self._ready and self._more():
            pass
        size = len(self._ready) if size < 0 else size
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a buffer, as `io` asks of a raw file."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        taken = self.read(len(view))
        view[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def _more(self) -> bool:
        """Read on, behind what is ready; return whether there was anything."""
        chunk = self._take(SAMPLE_BYTES)
        self._ready += self._decoded(chunk, final=not chunk)
        return bool(chunk)

    def _take(self, size: int) -> bytes:
        try:
            chunk = self._file.read(size)
        except (EOFError, zlib.error, OSError) as error:
            raise Undecodable("expected a gzip file, received a broken one") from error
        self._left -= len(chunk)
        if self._left < 0:
            raise Undecodable(
                f"expected at most {self._most} bytes of text, received more"
            )
        return chunk

    def _decoded(self, chunk: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return chunk
        try:
            return self._decoder.decode(chunk, final).encode("utf-8")
        except (UnicodeError, ValueError) as error:
            raise Undecodable(
                f"expected text in {self.encoding}, received bytes that are not; set "
                "the encoding of the file"
            ) from error


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def _codec_name(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        codecs.getincrementaldecoder(name)
        "a".encode(name).decode(name).encode("utf-8")
    except (LookupError, UnicodeError, AttributeError, TypeError) as error:
        raise Undecodable(
            f"expected an encoding such as utf-8, utf-16 or cp1252, received "
            f"{encoding!r}"
        ) from error
    return name


def _encoding_of(start: bytes) -> str:
    """Tell the encoding by a mark, by zero bytes, or by what is valid UTF-8."""
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    even, odd = start[::2].count(0), start[1::2].count(0)
    if len(start) > 3 and max(even, odd) > len(start) / 5:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return fallback_encoding(start)
    return "utf-8"


def fallback_encoding(start: bytes) -> str:
    """Return what text that is no UTF-8 is taken for."""
    return "latin-1" if any(byte in start for byte in _UNDEFINED) else "cp1252"
