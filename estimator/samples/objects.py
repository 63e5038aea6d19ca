"""Read one column of a frame or a dict: a pandas series, an array, Python objects."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.arrow import BIG_INTEGERS
from kantor.estimator.samples.table import (
    EXACT_INTEGERS,
    LONGEST_LEVEL,
    MAX_LEVELS,
    Column,
    Kind,
    recoded,
    sorted_levels,
)
from kantor.estimator.samples.tensors import to_numpy

Array = NDArray[np.float64]
_MISSING = {"<NA>", "NaT", "nan", "None"}
_MICROSECONDS_PER_DAY = 86_400e6
_KINDS: dict[str, Kind] = {
    "b": "boolean", "i": "number", "u": "number", "f": "number", "M": "datetime",
    "m": "number",
}  # fmt: skip
"""Kinds of numpy's kinds of dtypes."""


def read_column(name: str, given: Any) -> tuple[Column, Array]:
    """Read a pandas series or an array-like of one axis.

    Raises:
        ValueError: It has more axes than one.
    """
    dtype = getattr(given, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if not hasattr(given, "factorize"):
        return _of_array(name, to_numpy(given))
    if hasattr(dtype, "categories"):
        codes, words = given.factorize()
        return _of_words(name, codes, list(words), declared=True)
    if kind == "M":  # with a zone or without; numpy's is UTC
        return _of_array(name, np.asarray(given, dtype="datetime64[ns]"))
    if kind == "m":
        return _of_array(name, np.asarray(given))
    if kind in "biuf" and kind:
        if kind in "iu" and _beyond(given.max(), given.min()):
            return _unkept(name, BIG_INTEGERS, len(given))
        values = given.to_numpy(dtype=np.float64, na_value=np.nan)
        return Column(name=name, kind=_KINDS[kind]), values
    codes, words = given.factorize()
    return _of_words(name, codes, list(words), declared=False)


def _of_array(name: str, array: NDArray[Any]) -> tuple[Column, Array]:
    if array.ndim != 1:
        raise ValueError(
            f"expected one value a row in column {name!r}, received shape {array.shape}"
        )
    kind = array.dtype.kind
    if kind in "iu" and len(array) and _beyond(array.max(), array.min()):
        return _unkept(name, BIG_INTEGERS, len(array))
    if kind in "biuf":
        return Column(name=name, kind=_KINDS[kind]), array.astype(np.float64)
    if kind in "Mm":
        ticks = array.astype(f"{kind}8[us]").astype(np.int64)
        days = np.where(np.isnat(array), np.nan, ticks / _MICROSECONDS_PER_DAY)
        return Column(name=name, kind=_KINDS[kind]), days
    places: dict[Any, int] = {}
    codes = [
        -1 if _is_missing(value) else places.setdefault(value, len(places))
        for value in array.tolist()
    ]
    words = list(places)
    return _of_words(name, np.array(codes, dtype=np.intp), words, declared=False)


def _of_words(
    name: str, codes: NDArray[np.integer[Any]], words: list[Any], *, declared: bool
) -> tuple[Column, Array]:
    """Read codes (n,), -1 where missing, into the different values of a column."""
    positions = np.where(codes < 0, np.nan, codes.astype(np.float64))
    if not words:
        return Column(name=name, kind="number"), positions
    for types, kind, number in [] if declared else _OBJECTS:
        if all(isinstance(word, types) for word in words):
            numbers = np.array([number(word) for word in words], dtype=np.float64)
            return Column(name=name, kind=kind), recoded(positions, numbers)
    levels = [str(word) for word in words]
    distinct = list(dict.fromkeys(levels))
    if len(distinct) > MAX_LEVELS:
        hint = f"more than {MAX_LEVELS:,} different values"
        return _unkept(name, hint, len(codes))
    if max(map(len, levels)) > LONGEST_LEVEL:
        hint = f"values of more than {LONGEST_LEVEL} characters"
        return _unkept(name, hint, len(codes))
    column = Column(
        name=name, kind="category" if declared else "text", declared=declared
    )
    column, order = sorted_levels(column, distinct)
    place = dict(zip(distinct, order, strict=True))
    return column, recoded(positions, np.array([place[level] for level in levels]))


def _days(moment: Any) -> float:
    """Return days since 1970 of a date or a moment, in UTC where it has a zone."""
    if isinstance(moment, datetime.datetime):
        zone = moment.tzinfo or datetime.UTC
        return moment.replace(tzinfo=zone).timestamp() / 86_400.0
    return float((moment - datetime.date(1970, 1, 1)).days)


_OBJECTS: list[tuple[tuple[type, ...], Kind, Any]] = [
    ((bool, np.bool_), "boolean", float),
    ((int, float, Decimal, np.number), "number", float),
    ((datetime.date,), "datetime", _days),
]
"""Kinds that the values of a column of Python objects may all be of."""


def _unkept(name: str, hint: str, rows: int) -> tuple[Column, Array]:
    column = Column(name=name, kind="text", kept=False, hint=hint)
    return column, np.full(rows, np.nan)


def _is_missing(value: Any) -> bool:
    """Tell None, NaN, NaT and pandas' NA; a string is always a value."""
    if value is None:
        return True
    return not isinstance(value, str) and str(value) in _MISSING


def _beyond(high: Any, low: Any) -> bool:
    return isinstance(high, int | np.integer) and bool(
        max(int(high), -int(low)) > EXACT_INTEGERS
    )
