"""A table that is written in a JSON body, column by column."""

from typing import Any

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.table import Table
from kantor.service.api.bodies import validated
from kantor.service.api.schemas import InlineColumns


def table_of_columns(document: Any) -> Table:
    """Return the table of `{"columns": {name: [values]}}`.

    Raises:
        InvalidRequest: It is no such document.
        InvalidSamples: A value is neither a number, a string, a boolean nor null, or
            columns differ in length.
    """
    columns = validated(InlineColumns, document).columns
    for name, cells in columns.items():
        if not all(isinstance(c, str | int | float | None) for c in cells):
            raise InvalidSamples("samples", f"expected plain values in column {name!r}")
    table = table_of("samples", columns)
    assert table is not None  # a dict has names
    return table
