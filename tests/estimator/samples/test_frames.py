"""pandas, polars and Arrow frames, and dicts, give the same table."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.table import Table

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

ROWS = 4
ZONE = datetime.timezone(datetime.timedelta(hours=2))
COLUMNS: dict[str, Any] = {
    "x": [1.5, -2.0, 0.25, 4.0],
    "k": [1, 2, None, 4],
    "b": [True, False, True, True],
    "s": ["v", "u", None, "v"],
    "t": [datetime.datetime(2021, 1, d, 6, tzinfo=datetime.UTC) for d in range(1, 5)],
}


def of_pandas(columns: dict[str, Any]) -> Any:
    frame = pd.DataFrame(columns)
    frame["k"] = frame["k"].astype("Int64")
    frame.index = [7, 5, 3, 1]
    return frame


MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": lambda columns: columns,
    "pandas": of_pandas,
    "polars": pl.DataFrame,
    "arrow": pa.table,
    "stream": lambda c: pa.table(c).to_reader(),
}


def made(samples: Any) -> Table:
    table = table_of("source", samples)
    assert table is not None
    return table


@pytest.mark.parametrize("maker", list(MAKERS))
def test_every_frame_gives_the_same_table(maker: str) -> None:
    table = made(MAKERS[maker](COLUMNS))
    kinds = [column.kind for column in table.columns]
    assert table.names == tuple(COLUMNS)
    assert kinds == ["number", "number", "boolean", "text", "datetime"]
    assert table.column("s").levels == ("u", "v")
    assert [table.cell(row, "k") for row in range(ROWS)] == [1.0, 2.0, None, 4.0]
    assert [table.cell(row, "s") for row in range(ROWS)] == ["v", "u", None, "v"]
    assert table.cell(1, "t") == "2021-01-02T06:00:00"
    assert table.cell(1, "b") is False


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.Categorical(["b", "a", "b"], categories=["c", "b", "a"])),
        pa.array(["b", "a", "b"]).dictionary_encode(),
    ],
)
def test_declared_categories_say_so_and_have_the_levels_in_use(column: Any) -> None:
    frame = pd.DataFrame({"c": column}) if isinstance(column, pd.Series) else column
    table = made(frame if column is not frame else pa.table({"c": column}))
    assert (table.columns[0].kind, table.columns[0].declared) == ("category", True)
    assert table.columns[0].levels == ("a", "b")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([Decimal("1.25"), Decimal(2)], [1.25, 2.0]),
        ([datetime.date(1970, 1, 3)] * 2, [2.0, 2.0]),
        ([datetime.datetime(1970, 1, 1, 2, tzinfo=ZONE)] * 2, [0.0, 0.0]),
        ([datetime.timedelta(hours=12)] * 2, [0.5, 0.5]),
    ],
)
@pytest.mark.parametrize("maker", ["pandas", "polars", "arrow"])
def test_values_mean_the_same_everywhere(
    values: list[Any], expected: list[float], maker: str
) -> None:
    make = pd.DataFrame if maker == "pandas" else MAKERS[maker]
    assert made(make({"v": values})).values[:, 0].tolist() == expected


def test_integers_beyond_2_53_are_taken_for_ids() -> None:
    big = [2**60, 2**60 + 1]
    for make in (pd.DataFrame, pl.DataFrame, pa.table, dict[str, Any]):
        column = made(make({"k": np.array(big)})).columns[0]
        assert (column.kind, column.kept) == ("text", False)


def test_the_index_of_a_frame_is_no_column_but_is_known_in_arrow() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=[1, 0])
    assert made(frame).names == ("a",)
    table = made(pa.Table.from_pandas(frame))
    assert [(c.name, c.index) for c in table.columns] == [
        ("a", False),
        ("__index_level_0__", True),
    ]


@pytest.mark.parametrize(
    "samples", [np.zeros((3, 2)), [[1.0, 2.0]], [1.0], pd.Series([1.0]), pl.Series([1])]
)
def test_arrays_have_no_names(samples: object) -> None:
    assert table_of("source", samples) is None


def test_named_fields_of_an_array_are_columns() -> None:
    array = np.zeros(3, dtype=[("a", float), ("b", int)])
    assert made(array).names == ("a", "b")


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ({"a": [1.0], "b": [1.0, 2.0]}, "equal length"),
        ({"a": np.zeros((2, 2))}, "one value a row in column 'a'"),
        ({}, "at least 1 column"),
        (pd.DataFrame(np.zeros((1, 2)), columns=["a", "a"]), "received 'a' as columns"),
    ],
)
def test_what_is_no_table_is_refused(samples: object, reason: str) -> None:
    with pytest.raises(InvalidSamples, match=reason):
        table_of("source", samples)
