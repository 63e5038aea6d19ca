"""Turn columns of Arrow, batch by batch, into what a `Table` holds.

pyarrow is loaded by whoever has Arrow data in hand; this module only calls it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.table import (
    EXACT_INTEGERS,
    LONGEST_LEVEL,
    MAX_LEVELS,
    SECONDS_PER_DAY,
    Column,
    recoded,
    sorted_levels,
)

Array = NDArray[np.float64]

BIG_INTEGERS = "integers beyond 2^53, which look like ids"
_TICKS_PER_DAY = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


class ArrowColumn:
    """Collects one column: its kind follows from its type, its levels as they come.

    Args:
        name: Of the column.
        arrow_type: `pyarrow.DataType` of every batch.
        index: Whether the writer says that it is an index.
    """

    def __init__(self, name: str, arrow_type: Any, *, index: bool = False) -> None:
        self._convert, column = _reader(arrow_type)
        self._column = replace(column, name=name, index=index)
        self._levels: dict[str, int] = {}
        self._beyond = not column.kept
        self.missing_only = True

    def convert(self, array: Any) -> Array:
        """Return the values (n,) of a `pyarrow.Array`; levels by order of arrival."""
        if self._beyond:
            return np.full(len(array), np.nan)
        if self._convert is None:
            values = self._coded(array)
        else:
            values = self._convert(array)
            if _has_big_integers(array):
                self._give_up(BIG_INTEGERS)
        self.missing_only = self.missing_only and bool(np.isnan(values).all())
        return values

    def finish(self) -> tuple[Column, Callable[[Array], Array]]:
        """Return the column, and what is to be done to all values it gave."""
        if self._beyond:
            return self._column, lambda values: np.full(len(values), np.nan)
        if self._convert is not None:
            return self._column, lambda values: values
        column, codes = sorted_levels(self._column, list(self._levels))
        return column, lambda values: recoded(values, codes)

    def _coded(self, array: Any) -> Array:
        import pyarrow as pa

        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        words = [str(word) for word in array.dictionary.to_pylist()]
        indices = array.indices
        codes = indices.cast(pa.float64()).to_numpy(zero_copy_only=False)
        used = np.unique(codes[~np.isnan(codes)]).astype(np.intp)
        places = np.zeros(len(words))
        for place in used:
            word = words[place]
            places[place] = self._levels.setdefault(word, len(self._levels))
            if len(self._levels) > MAX_LEVELS:
                self._give_up(f"more than {MAX_LEVELS:,} different values")
            elif len(word) > LONGEST_LEVEL:
                self._give_up(f"values of more than {LONGEST_LEVEL} characters")
            if self._beyond:
                return np.full(len(codes), np.nan)
        return recoded(codes, places)

    def _give_up(self, hint: str) -> None:
        self._beyond, self._levels = True, {}
        self._column = replace(self._column, kind="text", kept=False, hint=hint)


def _reader(arrow_type: Any) -> tuple[Callable[[Any], Array] | None, Column]:
    """Return how a type becomes float64 (None: by levels), and its kind."""
    import pyarrow.types as types

    if isinstance(storage := getattr(arrow_type, "storage_type", None), type(None)):
        storage = arrow_type
    if types.is_boolean(storage):
        return _numbers, Column(name="", kind="boolean")
    if (
        types.is_integer(storage)
        or types.is_floating(storage)
        or types.is_decimal(storage)
        or types.is_null(storage)
    ):
        return _numbers, Column(name="", kind="number")
    if types.is_duration(storage):
        return _moments, Column(name="", kind="number")
    if types.is_date(storage) or types.is_timestamp(storage) or types.is_time(storage):
        return _moments, Column(name="", kind="datetime")
    if types.is_dictionary(storage) and _is_plain(storage.value_type):
        return None, Column(name="", kind="category", declared=True)
    if _is_string(storage):
        return None, Column(name="", kind="text")
    hint = f"values of the type {str(arrow_type)[:40]}, which is no single number"
    return None, Column(name="", kind="text", kept=False, hint=hint)


def _is_string(arrow_type: Any) -> bool:
    import pyarrow.types as types

    return bool(
        types.is_string(arrow_type)
        or types.is_large_string(arrow_type)
        or types.is_string_view(arrow_type)
    )


def _is_plain(arrow_type: Any) -> bool:
    import pyarrow.types as types

    return _is_string(arrow_type) or bool(
        types.is_integer(arrow_type)
        or types.is_boolean(arrow_type)
        or types.is_floating(arrow_type)
    )


def _stored(array: Any) -> Any:
    return getattr(array, "storage", array)


def _numbers(array: Any) -> Array:
    import pyarrow as pa

    array = _stored(array)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _moments(array: Any) -> Array:
    """Return days since the epoch (or of the day, or of a span)."""
    import pyarrow as pa

    array = _stored(array)
    if pa.types.is_date32(array.type):
        return _numbers(array.cast(pa.int32()))
    unit = "ms" if pa.types.is_date64(array.type) else array.type.unit
    width = pa.int32() if pa.types.is_time32(array.type) else pa.int64()
    ticks = _numbers(array.cast(width))
    return ticks / (_TICKS_PER_DAY[unit] * SECONDS_PER_DAY)


def _has_big_integers(array: Any) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_int64(array.type) and not pa.types.is_uint64(array.type):
        return False
    ends = pc.min_max(array)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return low is not None and max(-low, high) > EXACT_INTEGERS
