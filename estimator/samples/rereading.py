"""Turn another table into the features that a critic of tables was made for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.choosing import listed
from kantor.estimator.samples.encoding import MISSING_LEVEL, Part, features_of
from kantor.estimator.samples.table import Column, Table, recoded, shown

Array = NDArray[np.float64]


def features_again(table: Table, parts: Sequence[Part]) -> Array:
    """Return features (n, d) of a table's rows, its columns found by name.

    NaN where a value is missing that was missing nowhere in the tables before.

    Raises:
        InvalidSamples: A column is missing, is of another kind, or holds a level that
            was on neither side; there is no telling how far that is from the others.
    """
    compared = {part.column.name: part for part in parts if part.role != "missing"}
    lacking = [name for name in compared if name not in table.names]
    if lacking:
        raise InvalidSamples(
            "samples",
            f"expected the columns of the tables that were compared, {listed(lacking)} "
            "is missing",
        )
    values = np.column_stack([_values(table, part) for part in compared.values()])
    infinite = np.isinf(values).any(axis=0)
    if infinite.any():
        name = list(compared)[int(infinite.argmax())]
        raise InvalidSamples(
            "samples", f"expected finite numbers in column {name!r}, received infinity"
        )
    places = {name: place for place, name in enumerate(compared)}
    features = features_of(values, parts, places)
    allowed = {part.column.name for part in parts if _may_miss(part)}
    barred = [place for name, place in places.items() if name not in allowed]
    features[np.isnan(values[:, barred]).any(axis=1)] = np.nan
    return features


def _may_miss(part: Part) -> bool:
    return part.role == "missing" or MISSING_LEVEL in part.column.levels


def _values(table: Table, part: Part) -> Array:
    """Return one column (n,), categories in the codes of the part."""
    column, wanted = table.column(part.column.name), part.column
    values = np.asarray(table.values_of(column.name), dtype=np.float64)
    if np.isnan(values).all() and column.kept:
        return values
    if wanted.kind == "category":
        return _recoded(column, wanted, values)
    kinds = {"number": ("number", "datetime"), "boolean": ("boolean", "number")}
    if column.kind not in kinds[wanted.kind]:
        raise InvalidSamples(
            "samples",
            f"expected {wanted.kind} values in column {column.name!r}, received "
            f"{column.kind} values",
        )
    if wanted.kind == "boolean":
        present = values[~np.isnan(values)]
        if np.setdiff1d(present, [0.0, 1.0]).size:
            raise InvalidSamples(
                "samples",
                f"expected true or false in column {column.name!r}, received "
                f"{shown(column, float(present.max()))}",
            )
    return values


def _recoded(column: Column, wanted: Column, values: Array) -> Array:
    levels = [level for level in wanted.levels if level != MISSING_LEVEL]
    if not column.levels:
        raise InvalidSamples(
            "samples",
            f"expected a category in column {column.name!r}, received {column.kind} "
            "values",
        )
    unknown = [repr(level) for level in column.levels if level not in levels]
    if unknown:
        raise InvalidSamples(
            "samples",
            f"expected in column {column.name!r} one of the {len(levels)} values that "
            f"were compared, received {', '.join(unknown[:5])}",
        )
    place = {level: float(code) for code, level in enumerate(levels)}
    return recoded(values, np.array([place[level] for level in column.levels]))
