"""What is found out about a csv file can be set, and what is wrong is told by place."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from kantor.estimator.samples.table import Table
from kantor.service.decoding import Limits, Reading, Undecodable, decode, load
from kantor.service.formats import FileFormat
from kantor.service.store import DatasetStore

Write = Callable[[str, bytes], Path]


def table(path: Path, **settings: Any) -> Table:
    found = load(path, reading=Reading(**settings))
    assert isinstance(found, Table)
    return found


def refusal(path: Path, **settings: Any) -> str:
    with pytest.raises(Undecodable) as caught:
        load(path, reading=Reading(**settings))
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"0,1,2\n1.5,2.5,3\n2.5,3.5,4\n", ("0", "1", "2")),
        (b"1,2,3\n1.5,2,3\n2,3.5,4\n", ("1", "2", "3")),
        (b"10,20\n1.5,2.5\n2.5,3.5\n", ("10", "20")),
        (b",0,1\n0,5,6\n1,7,8\n", ("Unnamed: 0", "0", "1")),
        (b"town,2019,2020\nA,1,2\nB,2,3\n", ("town", "2019", "2020")),
        (b"a,b\nx,y\nz,y\n", ("a", "b")),
    ],
)
def test_a_header_is_what_the_values_do_not_look_like(
    content: bytes, names: tuple[str, ...], write: Write
) -> None:
    assert table(write("x.csv", content)).names == names


@pytest.mark.parametrize(
    "content",
    [b"1,2\n3,4\n", b"0,1,2\n3,4,5\n", b"1,2\n1.5,2\n", b"0,0\n1.5,2.5\n", b"5\n6\n"],
)
def test_numbers_that_go_on_below_are_a_sample(content: bytes, write: Write) -> None:
    first = [float(cell) for cell in content.split(b"\n")[0].split(b",")]
    assert np.asarray(load(write("x.csv", content)))[0].tolist() == first


def test_a_header_of_integers_is_noted(write: Write) -> None:
    found = table(write("x.csv", b"0,1,2\n1.5,2.5,3\n2.5,3.5,4\n"))
    assert found.notes[0].startswith("The first line (0, 1, 2, ...) was taken for")


@pytest.mark.parametrize(
    ("content", "settings", "first"),
    [
        (b"a,b\n1,2\n", {"header": "yes"}, [1.0, 2.0]),
        (b"1,2\n3,4\n", {"header": "yes"}, [3.0, 4.0]),
        (b"a~b\n1~2\n", {"delimiter": "~"}, [1.0, 2.0]),
        (b"a\tb\n1\t2\n", {"delimiter": "tab"}, [1.0, 2.0]),
        (b"a;b\n1,500;2\n", {"decimal": ","}, [1.5, 2.0]),
        (b"a,b\n^1,5^,2\n", {"quote": "^", "decimal": ","}, [1.5, 2.0]),
        ("ä;b\n1;2\n".encode("cp1250"), {"encoding": "cp1250"}, [1.0, 2.0]),
        (b"a,b,c\n1,oops,2\n", {"drop": ("b",)}, [1.0, None, 2.0]),
    ],
)
def test_everything_that_is_found_out_can_be_set(
    content: bytes, settings: dict[str, Any], first: list[float], write: Write
) -> None:
    found = table(write("x.csv", content), **settings)
    assert [found.cell(0, name) for name in found.names] == first


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"delimiter": ";;"}, "a delimiter of one plain character, received ';;'"),
        ({"decimal": "x"}, "a decimal sign of . or a comma"),
        ({"encoding": "none-such"}, "received 'none-such'"),
        ({"encoding": "zip"}, "received 'zip'"),
        ({"header": "maybe"}, "auto, yes or no"),
        ({"quote": ",", "delimiter": ","}, "no other sign"),
    ],
)
def test_settings_are_checked(
    settings: dict[str, Any], reason: str, write: Write
) -> None:
    path = write("x.csv", b"1,2\n3,4\n")
    with pytest.raises(Undecodable) as caught:
        load(path, reading=Reading(**settings))
    assert reason in str(caught.value)


def test_ten_cells_are_named_and_the_others_counted(write: Write) -> None:
    rows = [f"{i},{'x' if i % 20 == 0 else i}" for i in range(1000)]
    reason = refusal(write("x.csv", ("a,b\n" + "\n".join(rows)).encode()))
    assert reason.startswith(
        "expected a number, received 'x' on line 2, column 'b'; 'x' on line 22, column"
    )
    assert ", and 40 more: correct the cells" in reason


def test_lines_are_counted_as_an_editor_does(write: Write) -> None:
    rows = [f'"two\nlines",{i}' for i in range(100)]
    path = write("x.csv", ("a,b\n" + "\n".join(rows) + "\n\n\nx,oops\n").encode())
    assert "received 'oops' on line 204, column 'b'" in refusal(path)


def test_a_column_that_turns_out_to_be_strings_is_read_as_such(write: Write) -> None:
    numbers, words = "".join(f"{i % 9}\n" for i in range(600_000)), "a\nb\n" * 60_000
    found = table(write("x.csv", f"code\n{numbers}{words}".encode()))
    assert found.columns[0].levels == (*map(str, range(9)), "a", "b")


def test_bytes_that_are_no_utf8_far_behind_the_start(write: Write) -> None:
    content = b"a\n" + b"plain\n" * 300_000 + b"caf\xe9\n"
    found = table(write("x.csv", content))
    assert found.columns[0].levels == ("café", "plain")
    assert found.notes == ("Text was read as cp1252, since it is not UTF-8.",)


def test_a_csv_without_names_keeps_its_id(write: Write, tmp_path: Path) -> None:
    path = write("x.csv", b"0.1,2\n3,4\n-5,6e-3\n")
    store = DatasetStore(tmp_path / "store")
    with decode(path, FileFormat.CSV, Limits()) as array:
        assert isinstance(array, np.ndarray)
        assert store.put_array(array).id == (  # as it was before there were tables
            "ds_4b681fac125de8ab605f51dd0bd5fce18676b83f3e7d175f212bfe5c085badfa"
        )


@pytest.mark.slow
def test_a_million_rows_are_read_fast_in_little_memory(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "x.csv"
    columns = {f"c{i}": rng.normal(size=1_000_000) for i in range(30)}
    pyarrow.csv.write_csv(pa.table(columns), path)
    limits = Limits(memory_bytes=2**30)
    used = -sum(os.times()[2:4])  # by the subprocess, whoever else is busy
    with decode(path, FileFormat.CSV, limits) as found:
        used += sum(os.times()[2:4])
        assert isinstance(found, Table)
        assert np.array_equal(found.values_of("c7"), columns["c7"])
    megabytes = path.stat().st_size / 1e6
    assert megabytes / used >= 50.0
