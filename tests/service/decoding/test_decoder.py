from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.service.decoding import (
    Limits,
    Undecodable,
    as_array,
    decode,
    load,
)
from kantor.service.formats import (
    FORMATS,
    MAGIC_BYTES,
    FileFormat,
    format_of_content,
)

Write = Callable[[str, bytes], Path]


@pytest.mark.parametrize("form", list(FileFormat))
def test_every_format_gives_the_same_array(
    form: FileFormat, files: dict[str, bytes], array: NDArray[Any], write: Write
) -> None:
    path = write(f"x.{form}", files[form])
    with decode(path, form, Limits()) as decoded:
        assert np.array_equal(as_array(decoded), array)
    assert np.array_equal(as_array(load(path)), array)
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("form", list(FileFormat))
def test_a_file_begins_as_the_table_says(
    form: FileFormat, files: dict[str, bytes]
) -> None:
    told = format_of_content(files[form][:MAGIC_BYTES])
    assert told is (form if FORMATS[form].magic else None)


@pytest.mark.parametrize("form", list(FileFormat))
@pytest.mark.parametrize("limits", [Limits(max_samples=59), Limits(max_dim=2)])
def test_limits_hold_in_every_format(
    form: FileFormat, limits: Limits, files: dict[str, bytes], write: Write
) -> None:
    with (
        pytest.raises(Undecodable, match="expected at most"),
        decode(write("x", files[form]), form, limits),
    ):
        pass


@pytest.mark.parametrize("form", ["npy", "npz", "parquet", "arrow"])
def test_a_truncated_file_is_refused(
    form: str, files: dict[str, bytes], write: Write
) -> None:
    path = write("x", files[form][: len(files[form]) // 2 + 1])
    with pytest.raises(Undecodable), decode(path, FileFormat(form), Limits()):
        pass


def test_an_unknown_extension_is_named(write: Write) -> None:
    with pytest.raises(Undecodable, match=r"received 'x\.pkl'"):
        load(write("x.pkl", b""))
