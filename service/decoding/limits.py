"""What the decoders share: the limits, and the one error."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


class Undecodable(ValueError):
    """Say why bytes cannot be read as samples."""


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
            raise Undecodable(
                f"expected an array (n, d), received shape {shape}; samples with "
                "more axes, such as images, become rows by x.reshape(len(x), -1)"
            )
        rows, columns = shape if len(shape) == 2 else (shape[0], 1)
        self.check_columns(columns)
        if rows > self.max_samples:
            raise Undecodable(
                f"expected at most {self.max_samples} samples (max_samples), "
                f"received {rows}"
            )
        if rows * columns * itemsize > self.max_bytes:
            raise Undecodable(
                f"expected at most {self.max_bytes} bytes of numbers "
                f"(max_dataset_bytes), received shape {shape}"
            )

    def check_columns(self, columns: int) -> None:
        """Check a number of features.

        Raises:
            Undecodable: More than `max_dim`.
        """
        if columns > self.max_dim:
            raise Undecodable(
                f"expected at most {self.max_dim} features (max_dim), "
                f"received {columns}"
            )
