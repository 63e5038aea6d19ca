"""What the decoders share: the formats, the limits, and the one error."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MEBIBYTE = 1024 * 1024


class Undecodable(ValueError):
    """Say why bytes cannot be read as one array of numbers."""


class FileFormat(StrEnum):
    """File formats that samples are read from."""

    NPY = "npy"
    NPZ = "npz"
    CSV = "csv"
    PARQUET = "parquet"

    @classmethod
    def of_path(cls, path: Path) -> "FileFormat":
        """Tell the format by the file's extension.

        Raises:
            Undecodable: For any other extension.
        """
        try:
            return cls(path.suffix.lower().removeprefix("."))
        except ValueError as error:
            wanted = ", ".join(f".{name}" for name in cls)
            raise Undecodable(
                f"expected a file named {wanted}, received {path.name!r}"
            ) from error

    @classmethod
    def of_media_type(cls, media_type: str) -> "FileFormat | None":
        """Tell the format by a Content-Type; None where it does not say."""
        return _MEDIA_TYPES.get(media_type.partition(";")[0].strip().lower())


_MEDIA_TYPES = {
    "application/x-npy": FileFormat.NPY,
    "application/x-npz": FileFormat.NPZ,
    "text/csv": FileFormat.CSV,
    "application/vnd.apache.parquet": FileFormat.PARQUET,
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
