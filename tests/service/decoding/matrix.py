"""Files as people's tools write them, and what each is read as.

One table: the tests read every file, and `python -m docs.tables` prints it. Text is as
the tool writes it, byte for byte; binary files are written by pyarrow with the metadata
that the tool adds. `test_matrix` writes some with the tools themselves, where these are
installed.
"""

import codecs
import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Cells = dict[str, list[Any]]

X = [1.5, -2.0, 0.25, 4.0, 1e-3, 12345.678]
K = [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
S = ["red", "blue", "red", "blue", "red", "blue"]
PLAIN: Cells = {"x": X, "k": K, "s": S}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file.

    Attributes:
        what: What is special about it.
        content: Of the file; text is UTF-8.
        name: Of the file.
        cells: What it holds, by column; empty for an array, None if it is refused.
        left_out: The column that is left out as an index.
        refused: What the message of the refusal says to do.
        lacking: Whether values are missing, which `na` decides about.
        array: The numbers of a file without names.
    """

    what: str
    content: str | bytes
    name: str = "a.csv"
    cells: Cells | None = None
    left_out: str = ""
    refused: str = ""
    lacking: bool = False
    array: list[list[float]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """Say in a few words what becomes of the file."""
        if self.cells is None and not self.array:
            return f"refused: {self.refused}"
        if self.array:
            return "read as an array"
        parts = [f"`{self.left_out}` left out, with a note"] if self.left_out else []
        parts += ["missing values by `--na`"] if self.lacking else []
        parts += [f"then refused: {self.refused}"] if self.refused else []
        return "; ".join(["read", *parts])


def lines(*rows: str, end: str = "\n") -> str:
    """Return text of lines that are all ended."""
    return "".join(row + end for row in rows)


def rows(delimiter: str = ",", decimal: str = ".", **form: str) -> list[str]:
    """Return the plain table's rows; `form` has a format for `x`, `k` and `s`."""
    formats = {"x": "{!r}", "k": "{:.0f}", "s": "{}"} | form
    return [
        delimiter.join(
            (
                formats["x"].format(x).replace(".", decimal),
                formats["k"].format(k),
                formats["s"].format(s),
            )
        )
        for x, k, s in zip(X, K, S, strict=True)
    ]


def numbered(
    given: list[str], delimiter: str = ",", mark: str = "", first: int = 0
) -> list[str]:
    """Return rows behind their numbers."""
    return [f"{mark}{i}{mark}{delimiter}{row}" for i, row in enumerate(given, first)]


def beside_x(name: str, cells: Iterable[Any]) -> str:
    """Return csv of the column `x` and another one, whose cells are given as text."""
    given = [f"{x!r},{cell}" for x, cell in zip(X, cells, strict=True)]
    return lines(f"x,{name}", *given)


def in_r(delimiter: str = ",", decimal: str = ".") -> list[str]:
    """Return the plain table's rows as R writes them: numbered, strings in quotes."""
    given = rows(delimiter, decimal, s='"{}"')
    return numbered(given, delimiter, mark='"', first=1)


def by_numpy(delimiter: str) -> list[str]:
    """Return rows of numbers as numpy writes them."""
    return [delimiter.join(f"{v:.18e}" for v in row) for row in NUMBERS]


def arrow_table(**columns: Any) -> pa.Table:
    """Return an Arrow table of named columns."""
    return pa.table(columns)


def parquet(table: pa.Table) -> bytes:
    """Return a table as a parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def ipc(table: pa.Table, compression: str | None = None) -> bytes:
    """Return a table as an Arrow file."""
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def npy(array: list[list[float]]) -> bytes:
    """Return an array as an npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(array))
    return buffer.getvalue()


def with_pandas_index(table: pa.Table) -> pa.Table:
    """Return a table with the index and the metadata that pandas adds to it."""
    name = "__index_level_0__"
    table = table.append_column(name, pa.array([5, 3, 1, 0, 2, 4]))
    metadata = {b"pandas": json.dumps({"index_columns": [name]}).encode()}
    return table.replace_schema_metadata(metadata)


TABLE = arrow_table(x=X, k=[int(k) for k in K], s=S)
SHUFFLED = [5.0, 3.0, 1.0, 0.0, 2.0, 4.0]
COUNT = [float(i) for i in range(6)]
FROM_ONE = [float(i) for i in range(1, 7)]
NUMBERS = [[1.5, 2.0], [0.25, -3.0], [4.0, 5.5]]
REAL = [float(i) / 8 for i in range(6)]

CSV = lines("x,k,s", *rows())
QUOTED = rows(x='"{!r}"', k='"{:.0f}"', s='"{}"')
GERMAN = rows(";", ",")
GAPS = [1.0, None, 3.0, 4.0, None, 5.0]
DAYS = range(1, 7)
LARGE = pa.schema([("x", pa.float64()), ("k", pa.int64()), ("s", pa.large_string())])
DECIMALS = pa.array([Decimal("1.25"), Decimal("2.5")], pa.decimal128(18, 3))

INDEX = "Unnamed: 0"
INDEXED = {INDEX: COUNT} | PLAIN
R_INDEXED = {INDEX: FROM_ONE} | PLAIN
FROM_ARRAY: Cells = {"0": REAL, "1": [2 * r for r in REAL], "2": [4 * r for r in REAL]}
DROP = "leave them out (setting drop)"

PANDAS = [
    Case(
        what="`to_csv(index=False)`",
        content=CSV,
        cells=PLAIN,
    ),
    Case(
        what="`to_csv()`: the index has no name",
        content=lines(",x,k,s", *numbered(rows())),
        cells=INDEXED,
        left_out=INDEX,
    ),
    Case(
        what="`to_csv()` of what `read_csv()` made of its own index",
        content=lines("Unnamed: 0,x,k,s", *numbered(rows())),
        cells=INDEXED,
        left_out=INDEX,
    ),
    Case(
        what="`to_csv()` of an array: index and names are integers",
        content=lines(",0,1,2", *(f"{i},{i / 8},{i / 4},{i / 2}" for i in range(6))),
        cells={INDEX: COUNT} | FROM_ARRAY,
        left_out=INDEX,
    ),
    Case(
        what="`to_csv(index=False)` of an array: names 0, 1, 2",
        content=lines("0,1,2", *(f"{i / 8},{i / 4},{i / 2}" for i in range(6))),
        cells=FROM_ARRAY,
    ),
    Case(
        what="`to_csv('x.csv.gz')`",
        name="a.csv.gz",
        content=gzip.compress(CSV.encode()),
        cells=PLAIN,
    ),
    Case(
        what="`sep=';', decimal=','`",
        content=lines("x;k;s", *GERMAN),
        cells=PLAIN,
    ),
    Case(
        what="`encoding='utf-16'`",
        content=CSV.encode("utf-16"),
        cells=PLAIN,
    ),
    Case(
        what="`quoting=csv.QUOTE_ALL`",
        content=lines('"x","k","s"', *QUOTED),
        cells=PLAIN,
    ),
    Case(
        what="integers that became floats beside gaps",
        content=beside_x("k", ["1.0", "", "3.0", "4.0", "", "5.0"]),
        cells={"x": X, "k": GAPS},
        lacking=True,
    ),
    Case(
        what="nullable `Int64`, csv",
        content=beside_x("k", ["1", "", "3", "4", "", "5"]),
        cells={"x": X, "k": GAPS},
        lacking=True,
    ),
    Case(
        what="nullable `Int64`, parquet",
        name="a.parquet",
        content=parquet(arrow_table(x=X, k=[1, None, 3, 4, None, 5])),
        cells={"x": X, "k": GAPS},
        lacking=True,
    ),
    Case(
        what="booleans",
        content=beside_x("b", [x > 1 for x in X]),
        cells={"x": X, "b": [x > 1 for x in X]},
    ),
    Case(
        what="`to_parquet()`",
        name="a.parquet",
        content=parquet(TABLE),
        cells=PLAIN,
    ),
    Case(
        what="`to_parquet()` of shuffled rows",
        name="a.parquet",
        content=parquet(with_pandas_index(TABLE)),
        cells=PLAIN | {"__index_level_0__": SHUFFLED},
        left_out="__index_level_0__",
    ),
    Case(
        what="categoricals, parquet",
        name="a.parquet",
        content=parquet(arrow_table(x=X, s=pa.array(S).dictionary_encode())),
        cells={"x": X, "s": S},
    ),
    Case(
        what="`to_feather()`, which compresses",
        name="a.feather",
        content=ipc(TABLE, "lz4"),
        refused="write it with compression='uncompressed'",
    ),
    Case(
        what="`to_json(orient='records', lines=True)`",
        name="a.jsonl",
        content=lines(*(json.dumps(row) for row in TABLE.to_pylist())),
        cells=PLAIN,
    ),
    Case(
        what="dates with a zone",
        content=beside_x("t", [f"2021-03-0{i} 06:00:00+01:00" for i in DAYS]),
        cells={"x": X, "t": [f"2021-03-0{i}T05:00:00" for i in DAYS]},
        refused="dates as-number",
    ),
    Case(
        what="dates without a time",
        content=beside_x("t", [f"2021-03-0{i}" for i in DAYS]),
        cells={"x": X, "t": [f"2021-03-0{i}" for i in DAYS]},
        refused="dates as-number",
    ),
]

POLARS = [
    Case(
        what="`write_csv()`",
        content=CSV,
        cells=PLAIN,
    ),
    Case(
        what="booleans and gaps",
        content=lines("x,b", "1.5,true", ",false", "2.5,true", "3.5,", "4.5,false"),
        cells={"x": [1.5, None, 2.5, 3.5, 4.5], "b": [True, False, True, None, False]},
        lacking=True,
    ),
    Case(
        what="`write_parquet()`",
        name="a.parquet",
        content=parquet(TABLE.cast(LARGE)),
        cells=PLAIN,
    ),
    Case(
        what="`write_ipc()`",
        name="a.arrow",
        content=ipc(TABLE),
        cells=PLAIN,
    ),
    Case(
        what="`write_ndjson()`",
        name="a.ndjson",
        content=lines(*(json.dumps(row) for row in TABLE.to_pylist())),
        cells=PLAIN,
    ),
    Case(
        what="lists in a column, parquet",
        name="a.parquet",
        content=parquet(arrow_table(x=X, v=[[1.0, 2.0]] * 6)),
        cells={"x": X, "v": [None] * 6},
        refused=DROP,
    ),
]

DUCKDB = [
    Case(
        what="`COPY ... (HEADER)`",
        content=CSV,
        cells=PLAIN,
    ),
    Case(
        what="`COPY ... (DELIMITER '|', NULL '\\N')`",
        content=lines("x|k", "1.5|1", "\\N|2", "2.5|3"),
        cells={"x": [1.5, None, 2.5], "k": [1.0, 2.0, 3.0]},
        lacking=True,
    ),
    Case(
        what="`DECIMAL`, parquet",
        name="a.parquet",
        content=parquet(arrow_table(d=DECIMALS)),
        cells={"d": [1.25, 2.5]},
    ),
    Case(
        what="`BIGINT` ids beyond 2^53, parquet",
        name="a.parquet",
        content=parquet(arrow_table(x=X, u=[2**60 + i for i in range(6)])),
        cells={"x": X, "u": [None] * 6},
        refused=DROP,
    ),
]

R = [
    Case(
        what="`write.csv()`: numbered rows, quoted",
        content=lines('"","x","k","s"', *in_r()),
        cells=R_INDEXED,
        left_out=INDEX,
    ),
    Case(
        what="`write.csv2()`: semicolons and decimal commas",
        content=lines('"";"x";"k";"s"', *in_r(";", ",")),
        cells=R_INDEXED,
        left_out=INDEX,
    ),
    Case(
        what="`write.csv(row.names = FALSE)` with `NA`",
        content=lines('"x","b"', "1.5,TRUE", "NA,FALSE", "2.5,TRUE", "3.5,NA", "4,NA"),
        cells={"x": [1.5, None, 2.5, 3.5, 4.0], "b": [True, False, True, None, None]},
        lacking=True,
    ),
    Case(
        what="`write.table(sep = ',')`: one name fewer than columns",
        content=lines('"x","k","s"', *in_r()),
        cells=R_INDEXED,
        left_out=INDEX,
    ),
]

EXCEL = [
    Case(
        what="csv, English: lines end in CRLF",
        content=lines("x,k,s", *rows(), end="\r\n"),
        cells=PLAIN,
    ),
    Case(
        what="csv UTF-8: a byte order mark",
        content=codecs.BOM_UTF8 + lines("größe,k", "1.5,1", "2.5,3").encode(),
        cells={"größe": [1.5, 2.5], "k": [1.0, 3.0]},
    ),
    Case(
        what="csv, German: semicolons, decimal commas, cp1252",
        content=lines("größe;k", "1,5;1", "2,5;3", end="\r\n").encode("cp1252"),
        cells={"größe": [1.5, 2.5], "k": [1.0, 3.0]},
    ),
    Case(
        what="Unicode text: tabs, UTF-16",
        name="a.txt",
        content=lines("x\tk\ts", *rows("\t"), end="\r\n").encode("utf-16"),
        cells=PLAIN,
    ),
    Case(
        what="`sep=;` on the first line",
        content=lines("sep=;", "x;k;s", *GERMAN, end="\r\n"),
        cells=PLAIN,
    ),
    Case(
        what="empty rows at the end",
        content=lines("x;k;s", *GERMAN, ";;", ";;"),
        cells=PLAIN,
    ),
    Case(
        what="separated thousands",
        content=beside_x("p", [f'"1,{i}00.50"' for i in DAYS]),
        cells={"x": X, "p": [f"1,{i}00.50" for i in DAYS]},
        refused=DROP,
    ),
    Case(
        what="percentages",
        content=beside_x("p", [f"{i}0%" for i in DAYS]),
        cells={"x": X, "p": [f"{i}0%" for i in DAYS]},
        refused=DROP,
    ),
    Case(
        what="German dates",
        content=beside_x("t", [f"0{i}.03.2021" for i in DAYS]),
        cells={"x": X, "t": [f"0{i}.03.2021" for i in DAYS]},
        refused=DROP,
    ),
]

NUMPY = [
    Case(
        what="`savetxt(delimiter=',')`",
        content=lines(*by_numpy(",")),
        array=NUMBERS,
    ),
    Case(
        what="`savetxt()`: spaces",
        name="a.txt",
        content=lines(*by_numpy(" ")),
        array=NUMBERS,
    ),
    Case(
        what="`savetxt(header='a b')`",
        name="a.txt",
        content=lines("# a b", *by_numpy(" ")),
        cells={"a": [row[0] for row in NUMBERS], "b": [row[1] for row in NUMBERS]},
    ),
    Case(
        what="`save()`",
        name="a.npy",
        content=npy(NUMBERS),
        array=NUMBERS,
    ),
]

ANY_TOOL = [
    Case(
        what="tabs",
        name="a.tsv",
        content=lines("x\tk\ts", *rows("\t")),
        cells=PLAIN,
    ),
    Case(
        what="a delimiter at the end of each line",
        content=lines("x,k,s,", *(f"{row}," for row in rows())),
        cells=PLAIN,
    ),
    Case(
        what="numbers and categories without names",
        content=lines(*rows()),
        cells={"column 1": X, "column 2": K, "column 3": S},
    ),
    Case(
        what="years as names",
        content=lines("town,2019,2020", "A,1.5,2", "B,2,3", "A,3,4.5", "B,1,2"),
        cells={"town": ["A", "B"] * 2, "2019": [1.5, 2, 3, 1], "2020": [2, 3, 4.5, 2]},
    ),
    Case(
        what="integers and decimals in one column",
        content=lines("x,k", "1,1", "2.5,2", "3,2"),
        cells={"x": [1.0, 2.5, 3.0], "k": [1.0, 2.0, 2.0]},
    ),
    Case(
        what="a name that stands twice",
        content=lines("x,x", "1.5,2", "2.5,3"),
        refused="rename one of them",
    ),
    Case(
        what="a word among numbers",
        content=lines("x", *map(str, range(20)), "oops"),
        refused="correct the cells, or empty them",
    ),
    Case(
        what="a row that is too short",
        content=lines("x,k", "1,2", "3,4", "5"),
        refused="correct the lines, or set the delimiter",
    ),
    Case(
        what="free text, with line breaks and quotation marks",
        content=beside_x("note", [f'"said, {i}\n""so"""' for i in DAYS]),
        cells={"x": X, "note": [f'said, {i}\n"so"' for i in DAYS]},
        refused=DROP,
    ),
]

BY_TOOL = {
    "pandas": PANDAS,
    "polars": POLARS,
    "DuckDB": DUCKDB,
    "R": R,
    "Excel": EXCEL,
    "numpy": NUMPY,
    "any": ANY_TOOL,
}


def as_markdown() -> str:
    """Return the matrix as a table for the documentation."""
    told = ["| written by | what | becomes |", "|---|---|---|"]
    for tool, cases in BY_TOOL.items():
        for case in cases:
            what = case.what.replace("|", "\\|")
            told.append(f"| {tool} | {what} | {case.outcome} |")
    return "\n".join(told) + "\n"
