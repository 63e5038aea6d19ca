"""What the decoders share: the formats, the limits, and the one error."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MEBIBYTE = 1024 * 1024


class Undecodable(ValueError):
    """Say why bytes cannot be read as samples."""


class FileFormat(StrEnum):
    """File formats that samples are read from."""

    NPY = "npy"
    NPZ = "npz"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"

    @classmethod
    def of_path(cls, path: Path) -> "FileFormat":
        """Tell the format by the file's extension; text may be packed by gzip.

        Raises:
            Undecodable: For any other extension.
        """
        name = path.name.lower()
        packed = name.endswith(".gz")
        suffix = Path(name.removesuffix(".gz")).suffix.removeprefix(".")
        found = _EXTENSIONS.get(suffix)
        if found is None or (packed and not found.is_text):
            wanted = ", ".join(f".{suffix}" for suffix in _EXTENSIONS)
            raise Undecodable(
                f"expected a file named {wanted}, or .csv.gz and the like, received "
                f"{path.name!r}"
            )
        return found

    @classmethod
    def of_media_type(cls, media_type: str) -> "FileFormat | None":
        """Tell the format by a Content-Type; None where it does not say."""
        return _MEDIA_TYPES.get(media_type.partition(";")[0].strip().lower())

    @property
    def is_text(self) -> bool:
        """Whether it is text, which may be packed by gzip."""
        return self in (FileFormat.CSV, FileFormat.TSV, FileFormat.JSONL)


_EXTENSIONS = {name.value: name for name in FileFormat} | {
    "txt": FileFormat.CSV,
    "tab": FileFormat.TSV,
    "ndjson": FileFormat.JSONL,
    "pq": FileFormat.PARQUET,
    "feather": FileFormat.ARROW,
    "arrows": FileFormat.ARROW,
    "ipc": FileFormat.ARROW,
}

_MEDIA_TYPES = {
    "application/x-npy": FileFormat.NPY,
    "application/x-npz": FileFormat.NPZ,
    "text/csv": FileFormat.CSV,
    "text/tab-separated-values": FileFormat.TSV,
    "application/jsonl": FileFormat.JSONL,
    "application/x-ndjson": FileFormat.JSONL,
    "application/vnd.apache.parquet": FileFormat.PARQUET,
    "application/vnd.apache.arrow.file": FileFormat.ARROW,
    "application/vnd.apache.arrow.stream": FileFormat.ARROW,
}

MEDIA_TYPES = tuple(_MEDIA_TYPES)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a decoded array may be, and what decoding may cost.

    Attributes:
        max_samples: Most rows.
        max_dim: Most columns.
        max_bytes: Most bytes of the decoded array.
        memory_bytes: Address space of the decoding subprocess.
        timeout_s: Its running time.
    """

    max_samples: int = 10_000_000
    max_dim: int = 65_536
    max_bytes: int = 1024 * MEBIBYTE
    memory_bytes: int = 4096 * MEBIBYTE
    timeout_s: float = 60.0

    def check_shape(self, shape: tuple[int, ...], itemsize: int) -> None:
        """Check a declared shape, in Python integers, before anything is allocated.

        Raises:
            Undecodable: Not one or two axes, or more than is allowed.
        """
        if len(shape) not in (1, 2):
            raise Undecodable(f"expected an array (n, d), received shape {shape}")
        rows, columns = shape if len(shape) == 2 else (shape[0], 1)
        self.check_columns(columns)
        if rows > self.max_samples:
            raise Undecodable(
                f"expected at most {self.max_samples} samples, received {rows}"
            )
        if rows * columns * itemsize > self.max_bytes:
            raise Undecodable(
                f"expected at most {self.max_bytes} bytes of numbers, "
                f"received shape {shape}"
            )

    def check_columns(self, columns: int) -> None:
        """Check a number of features.

        Raises:
            Undecodable: More than `max_dim`.
        """
        if columns > self.max_dim:
            raise Undecodable(
                f"expected at most {self.max_dim} features, received {columns}"
            )
