"""Make a `Table` of what people hold in Python: frames, and dicts of columns.

pandas frames are read by their own methods, everything else that streams Arrow
(polars, pyarrow, DuckDB) through the Arrow PyCapsule interface where pyarrow is there,
and column by column where it is not. Nothing is imported that the caller has not
installed. A pandas index is no column, in pandas' eyes and here.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.arrow import ArrowColumn
from kantor.estimator.samples.objects import read_column
from kantor.estimator.samples.table import Table, distinct_names


def table_of(field: str, samples: object) -> Table | None:
    """Return a table where `samples` has names; None for arrays and lists.

    Args:
        field: Side that errors shall name, `source` or `target`.
        samples: A `Table`, a frame, a dict of columns, an array with named fields, or
            anything else.

    Raises:
        InvalidSamples: It has names, and cannot be read as a table.
    """
    if isinstance(samples, Table):
        return samples
    try:
        return _table(samples)
    except ValueError as error:
        raise InvalidSamples(field, str(error)) from error


def _table(samples: Any) -> Table | None:
    if isinstance(samples, Mapping):
        return _of_columns(list(samples), list(samples.values()))
    if isinstance(samples, np.ndarray):
        names = samples.dtype.names
        return _of_columns(names, [samples[n] for n in names]) if names else None
    if hasattr(samples, "iloc") and hasattr(samples, "columns"):
        places = range(len(samples.columns))
        series = [samples.iloc[:, place] for place in places]
        return _of_columns(list(samples.columns), series)
    if not _has_names(samples):
        return None
    if hasattr(samples, "__arrow_c_stream__") and importlib.util.find_spec("pyarrow"):
        return _of_arrow(samples)
    names = list(samples.columns)
    return _of_columns(names, [samples[name].to_numpy() for name in names])


def _has_names(samples: Any) -> bool:
    columns = getattr(samples, "columns", None)
    of_arrow = hasattr(samples, "column_names") or hasattr(samples, "schema")
    streams = hasattr(samples, "__arrow_c_stream__")
    named = isinstance(columns, Sequence) and all(isinstance(c, str) for c in columns)
    return named or (streams and of_arrow)


def _of_columns(names: Sequence[Any], columns: Sequence[Any]) -> Table:
    """Make a table of one-dimensional columns, each of its own type."""
    if not len(columns):
        raise ValueError("expected at least 1 column, received none")
    named = distinct_names([str(name) for name in names])
    read = [read_column(n, c) for n, c in zip(named, columns, strict=True)]
    lengths = {len(values) for _, values in read}
    if len(lengths) > 1:
        raise ValueError(
            f"expected columns of equal length, received {sorted(lengths)} rows"
        )
    table = np.column_stack([values for _, values in read])
    return Table(tuple(column for column, _ in read), table)


def _of_arrow(samples: Any) -> Table:
    """Read whatever streams Arrow batches."""
    import pyarrow as pa

    frame = samples if isinstance(samples, pa.Table) else pa.table(samples)
    names = distinct_names(frame.column_names)
    index = index_names(frame.schema.metadata)
    columns, read = [], []
    for name, chunked in zip(names, frame.columns, strict=True):
        reader = ArrowColumn(name, chunked.type, index=name in index)
        parts = [reader.convert(chunk) for chunk in chunked.chunks]
        column, finished = reader.finish()
        columns.append(column)
        read.append(finished(np.concatenate(parts) if parts else np.empty(0)))
    if not columns:
        raise ValueError("expected at least 1 column, received none")
    return Table(tuple(columns), np.column_stack(read))


def index_names(metadata: Mapping[bytes, bytes] | None) -> frozenset[str]:
    """Return the columns that pandas' metadata of an Arrow schema call an index."""
    import json

    try:
        pandas = json.loads((metadata or {}).get(b"pandas", b"{}"))
        columns = pandas.get("index_columns", [])
        return frozenset(name for name in columns if isinstance(name, str))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()
