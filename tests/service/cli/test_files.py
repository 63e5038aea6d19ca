import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kantor.estimator import InvalidConfig, InvalidInput, InvalidSamples
from kantor.service.cli.files import (
    extension_of,
    from_stdin,
    read_config,
    read_side,
    read_weights,
    sides_of,
)


def test_no_configuration_has_no_settings() -> None:
    assert read_config(None) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", 'effort = "quick"\nseed = 3\n'),
        ("c.json", '{"effort": "quick", "seed": 3}'),
        ("c.yaml", "effort: quick\nseed: 3\n"),
    ],
)
def test_a_configuration_may_be_toml_or_json(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_config(path) == {"effort": "quick", "seed": 3}


@pytest.mark.parametrize("name", ["c.json", "c.yaml"])
@pytest.mark.parametrize("text", ["[1, 2]", "{", "3"])
def test_what_is_no_table_of_settings_names_its_file(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidConfig, match=name):
        read_config(path)


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("seed: !!python/object/apply:os.getpid []\n")
    with pytest.raises(InvalidConfig, match="could not determine a constructor"):
        read_config(path)


def contents() -> dict[str, bytes]:
    rows = np.ones((50, 2))
    buffers = {name: io.BytesIO() for name in (".npy", ".npz", ".parquet", ".arrow")}
    np.save(buffers[".npy"], rows)
    np.savez(buffers[".npz"], rows)
    table = pa.table({"a": rows[:, 0]})
    pq.write_table(table, buffers[".parquet"])
    with pa.ipc.new_stream(buffers[".arrow"], table.schema) as writer:
        writer.write_table(table)
    text = b"a,b\n" + b"1,2\n" * 50
    return {name: buffer.getvalue() for name, buffer in buffers.items()} | {
        ".csv": text,
        ".csv.gz": gzip.compress(text),
        ".jsonl": b'{"a": 1}\n' * 50,
    }


@pytest.mark.parametrize("extension", contents())
def test_the_first_bytes_tell_what_stdin_is(tmp_path: Path, extension: str) -> None:
    (tmp_path / "stdin").write_bytes(contents()[extension])
    assert extension_of(tmp_path / "stdin") == extension


def test_stdin_can_be_one_side_only() -> None:
    with (
        pytest.raises(InvalidSamples, match="target: expected a file, as stdin"),
        from_stdin(source=Path("-"), target=Path("-")),
    ):
        pass


def test_what_is_stored_is_no_file(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    file.write_bytes(b"")
    dataset = "ds_" + "0" * 64
    with sides_of(str(file), "@baseline") as sides:
        assert sides == [file, {"reference": "baseline"}]
    with sides_of(dataset, dataset) as sides:
        assert sides == [dataset, dataset]
    with (
        pytest.raises(InvalidSamples, match=r"target: none\.npy: expected a file"),
        sides_of(str(file), "none.npy"),
    ):
        pass


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_weights_are_a_column_however_they_are_kept(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    np.save(tmp_path / "w.npy", np.ones(shape))
    weights = read_weights("source_weights", tmp_path / "w.npy")
    assert weights is not None
    assert weights.shape == (50,)
    assert read_weights("source_weights", None) is None


@pytest.mark.parametrize("name", ["none.npy", "x.pkl", "broken.npy"])
def test_a_file_that_cannot_be_read_names_side_and_file(
    tmp_path: Path, name: str
) -> None:
    if name != "none.npy":
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(InvalidSamples, match=name) as refused:
        read_side("target", tmp_path / name)
    assert isinstance(refused.value, InvalidInput)
    assert refused.value.field == "target"
