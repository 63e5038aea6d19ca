"""Files as people's tools write them: to the very numbers, or with the remedy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.matching import match
from kantor.estimator.samples.missing import complete
from kantor.estimator.samples.table import Table
from kantor.service.decoding import Decoded, Undecodable, load
from tests.service.decoding.matrix import BY_TOOL, PLAIN, TABLE, Case

CASES = [
    pytest.param(case, id=f"{tool}: {case.what}")
    for tool, cases in BY_TOOL.items()
    for case in cases
]
Write = Callable[[str, bytes], Path]


def cells_of(table: Table) -> dict[str, list[Any]]:
    return {
        name: [table.cell(row, name) for row in range(len(table))]
        for name in table.names
    }


@pytest.mark.parametrize("case", CASES)
def test_every_file_is_read_or_refused_with_the_remedy(
    case: Case, write: Write
) -> None:
    content = case.content
    path = write(case.name, content.encode() if isinstance(content, str) else content)
    if case.array:
        assert np.array_equal(np.asarray(load(path)), case.array)
    elif case.cells is None:
        with pytest.raises(Undecodable) as caught:
            load(path)
        assert case.refused in str(caught.value)
    else:
        table = load(path)
        assert isinstance(table, Table)
        assert cells_of(table) == case.cells
        check_match(case, table)


def check_match(case: Case, table: Table) -> None:
    if case.refused:
        with pytest.raises(InvalidSamples) as caught:
            match(table, table)
        assert case.refused in str(caught.value)
        return
    matched = match(table, table)
    names = [column.name for column in matched.columns]
    assert names == [name for name in table.names if name != case.left_out]
    assert any(repr(case.left_out) in n for n in matched.remarks.notes) == bool(
        case.left_out
    )
    if case.lacking:
        with pytest.raises(InvalidSamples, match="na drop"):
            complete(matched, "refuse")
    else:
        assert complete(matched, "refuse").matched is matched


def check_plain(found: Decoded, left_out: str = "") -> None:
    assert isinstance(found, Table)
    cells = cells_of(found)
    cells.pop(left_out, None)
    assert cells == PLAIN


@pytest.mark.parametrize(
    ("name", "write", "left_out"),
    [
        ("a.csv", lambda f, p: f.to_csv(p), "Unnamed: 0"),
        ("a.csv.gz", lambda f, p: f.to_csv(p, index=False), ""),
        (
            "a.csv",
            lambda f, p: f.to_csv(p, sep=";", decimal=",", encoding="utf-16"),
            "Unnamed: 0",
        ),
        ("a.parquet", lambda f, p: f.to_parquet(p), ""),
        (
            "a.parquet",
            lambda f, p: f.sample(frac=1, random_state=1).to_parquet(p),
            "__index_level_0__",
        ),
        ("a.feather", lambda f, p: f.to_feather(p, compression="uncompressed"), ""),
        ("a.jsonl", lambda f, p: f.to_json(p, orient="records", lines=True), ""),
    ],
)
def test_pandas_itself(name: str, write: Any, left_out: str, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(PLAIN).astype({"k": "int64"})
    write(frame, tmp_path / name)
    found = load(tmp_path / name)
    assert isinstance(found, Table)
    if left_out == "__index_level_0__":
        assert found.column(left_out).index
        assert sorted(cells_of(found)["x"]) == sorted(PLAIN["x"])
    else:
        check_plain(found, left_out)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", lambda f, p: f.write_csv(p)),
        ("a.tsv", lambda f, p: f.write_csv(p, separator="\t")),
        ("a.parquet", lambda f, p: f.write_parquet(p)),
        ("a.arrow", lambda f, p: f.write_ipc(p)),
        ("a.arrows", lambda f, p: f.write_ipc_stream(p)),
        ("a.ndjson", lambda f, p: f.write_ndjson(p)),
    ],
)
def test_polars_itself(name: str, write: Any, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    write(polars.from_arrow(TABLE), tmp_path / name)
    check_plain(load(tmp_path / name))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_duckdb_itself(name: str, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    plain = TABLE
    with duckdb.connect() as connection:
        connection.register("plain", plain)
        connection.execute(f"COPY plain TO '{tmp_path / name}'")
    check_plain(load(tmp_path / name))
