from pathlib import Path

import numpy as np
import pytest

from kantor.estimator import InvalidConfig, InvalidInput, InvalidSamples
from kantor.service.cli.files import read_config, read_side, read_weights


def test_no_configuration_has_no_settings() -> None:
    assert read_config(None) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", 'effort = "quick"\nseed = 3\n'),
        ("c.json", '{"effort": "quick", "seed": 3}'),
    ],
)
def test_a_configuration_may_be_toml_or_json(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_config(path) == {"effort": "quick", "seed": 3}


@pytest.mark.parametrize("text", ["[1, 2]", "{", "3"])
def test_what_is_no_table_of_settings_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(InvalidConfig, match=r"c\.json"):
        read_config(path)


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
