"""The samples of both sides, checked before anything is computed from them.

Samples are an array (n, d) of finite real numbers, one row a sample; a 1-D array of n
numbers is n samples on the line.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.tensors import to_numpy

Samples = NDArray[np.generic]
Weights = NDArray[np.float64]

MIN_SAMPLES = 40
"""Fewest samples a side: below it a fit / validation / test split is meaningless."""

LARGEST = 1e300
"""Largest size of a value: sums and differences of larger ones leave float64."""

_EXACT = 2**53  # float64 holds every whole number up to here
_CHUNK_ELEMENTS = 4_000_000


@dataclass(frozen=True)
class Pair:
    """The samples as given: x (n, d), y (m, d), and weights (n,), (m,) where given."""

    x: Samples
    y: Samples
    x_weights: Weights | None = None
    y_weights: Weights | None = None

    @property
    def dim(self) -> int:
        """Number d of features."""
        return int(self.x.shape[1])


def check_samples(name: str, samples: object, *, fewest: int = MIN_SAMPLES) -> Samples:
    """Return `samples` as a finite real array (n, d), without copying where possible.

    Args:
        name: Field the error shall name, `source` or `target`.
        samples: Array-like (n, d) or (n,), possibly memory-mapped.
        fewest: Rows needed; an estimate needs `MIN_SAMPLES`, scoring needs one.

    Raises:
        InvalidSamples: Ragged, masked, not numeric, wrong number of axes, empty
            features, fewer than `fewest` rows, or a value that is not finite, beyond
            `LARGEST`, or not exactly a float64 (with the position of the first).
    """
    array = _as_array(name, samples)
    if array.dtype.kind not in "fiub":
        raise InvalidSamples(name, f"expected real numbers, got dtype {array.dtype}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InvalidSamples(
            name,
            f"expected an array (n, d), got {array.ndim} axes {array.shape}; samples "
            "with more axes, such as images, become rows by x.reshape(len(x), -1)",
        )
    n, dim = array.shape
    if dim == 0:
        raise InvalidSamples(name, f"expected at least 1 feature, got shape {(n, dim)}")
    if n < fewest:
        raise InvalidSamples(name, f"expected at least {fewest} samples, got {n}")
    _check_values(name, array)
    return array


def check_pair(
    source: object,
    target: object,
    source_weights: object = None,
    target_weights: object = None,
    *,
    max_weight: float | None = None,
) -> Pair:
    """Return both sample arrays checked, of equal dimension, and their weights.

    Raises:
        InvalidSamples: As `check_samples`, `check_weights`, or the dimensions differ.
    """
    x = check_samples("source", source)
    y = check_samples("target", target)
    if x.shape[1] != y.shape[1]:
        raise InvalidSamples(
            "target",
            f"expected dimension {x.shape[1]} as in source, got {y.shape[1]}",
        )
    return Pair(
        x,
        y,
        check_weights("source_weights", source_weights, len(x), largest=max_weight),
        check_weights("target_weights", target_weights, len(y), largest=max_weight),
    )


def check_weights(
    name: str, weights: object, count: int, *, largest: float | None = None
) -> Weights | None:
    """Return weights (count,) in float64; None if None.

    Args:
        name: Field the error shall name.
        weights: One for each sample, in any unit.
        count: Number of samples.
        largest: Largest weight that could occur; None if unknown.

    Raises:
        InvalidSamples: Not `count` finite numbers >= 0, all of them zero, or one above
            `largest`.
    """
    if weights is None:
        return None
    array = _as_array(name, weights)
    if array.dtype.kind not in "fiub" or array.shape != (count,):
        raise InvalidSamples(
            name,
            f"expected {count} numbers, one per sample, got dtype {array.dtype} of "
            f"shape {array.shape}",
        )
    values = np.asarray(array, dtype=np.float64)
    bad = ~(np.isfinite(values) & (values >= 0.0))
    if bad.any():
        row = int(bad.argmax())
        raise InvalidSamples(
            name, f"expected finite weights >= 0, got {values[row]} at row {row}"
        )
    if not values.any():
        raise InvalidSamples(name, "expected a weight above 0, got only zeros")
    if largest is not None and values.max() > largest:
        raise InvalidSamples(
            name, f"expected weights up to max_weight {largest}, got {values.max()}"
        )
    return values


def _as_array(name: str, samples: object) -> Samples:
    if isinstance(samples, np.ma.MaskedArray):
        if np.ma.is_masked(samples):
            raise InvalidSamples(
                name,
                f"expected no missing values, got {np.count_nonzero(samples.mask)} "
                "masked ones: drop their rows or fill them",
            )
        samples = samples.data
    try:
        array = to_numpy(samples)
    except ValueError as error:
        ragged = isinstance(samples, list | tuple)
        reason = "expected rows of equal length, got a ragged list"
        raise InvalidSamples(name, reason if ragged else str(error)) from error
    if array.dtype == object:
        raise InvalidSamples(
            name, "expected rows of equal length holding numbers, got dtype object"
        )
    return array


def _check_values(name: str, array: Samples) -> None:
    """Look for values that cannot be computed with, a block of rows at a time."""
    rows = max(1, _CHUNK_ELEMENTS // array.shape[1])
    for start in range(0, len(array), rows):
        for expected, bad in _faults(array[start : start + rows]):
            if bad.any():
                row, column = np.argwhere(bad)[0]
                raise InvalidSamples(
                    name,
                    f"expected {expected}, got {array[start + row, column]} at row "
                    f"{start + row}, column {column}",
                )


def _faults(block: Samples) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield what is expected of a block of values, and where it does not hold."""
    kind, is_long = block.dtype.kind, block.dtype.itemsize > 4
    if kind == "f":
        yield "finite numbers", ~np.isfinite(block)
    if kind == "f" and is_long:  # shorter floats do not reach it, nor hold it
        yield f"numbers of size up to {LARGEST:g}", np.abs(block) > LARGEST
    if is_long and block.dtype != np.float64:
        rounded = _rounded_floats(block) if kind == "f" else _rounded_integers(block)
        yield "numbers that float64 holds exactly (subtract an offset first)", rounded


def _rounded_floats(block: Samples) -> NDArray[np.bool_]:
    """Return where float64 cannot hold longer floats."""
    return np.asarray(block.astype(np.float64).astype(block.dtype) != block)


def _rounded_integers(block: Samples) -> NDArray[np.bool_]:
    """Return where float64 cannot hold integers."""
    large = np.greater(block, _EXACT)
    if block.dtype.kind == "i":
        large |= np.less(block, -_EXACT)
    found = np.zeros(block.shape, dtype=np.bool_)
    # Python compares integers with floats exactly; few are so large.
    found[large] = [float(value) != value for value in block[large].tolist()]
    return found
