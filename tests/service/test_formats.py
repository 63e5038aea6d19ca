import subprocess
import sys

import pytest

from kantor.service.decoding.sandbox import reader_of
from kantor.service.formats import (
    EXTENSIONS,
    FORMATS,
    MEDIA_TYPES,
    FileFormat,
    UnknownFormat,
    format_of_content,
    format_of_media_type,
    format_of_name,
    media_type_of_name,
)

each_format = pytest.mark.parametrize("form", list(FileFormat))


@each_format
def test_every_way_of_knowing_a_format_agrees(form: FileFormat) -> None:
    row = FORMATS[form]
    for extension in row.extensions:
        assert format_of_name(f"Some.Name{extension.upper()}") is form
    for media_type in row.media_types:
        assert format_of_media_type(f"{media_type.upper()}; charset=utf-8") is form
    assert format_of_media_type(media_type_of_name(f"x{row.extensions[0]}")) is form
    if row.magic is not None:
        assert format_of_content(row.magic + b"...") is form


def test_no_two_formats_are_known_by_the_same() -> None:
    assert len(set(EXTENSIONS)) == len(EXTENSIONS)
    assert len(set(MEDIA_TYPES)) == len(MEDIA_TYPES)


@each_format
def test_every_format_but_npy_has_a_reader(form: FileFormat) -> None:
    assert (FORMATS[form].reader is None) == (form is FileFormat.NPY)
    if form is not FileFormat.NPY:
        assert callable(reader_of(form))


@each_format
def test_only_text_may_be_packed(form: FileFormat) -> None:
    name = f"x{FORMATS[form].extensions[0]}.gz"
    if FORMATS[form].is_text:
        assert format_of_name(name) is form
    else:
        with pytest.raises(UnknownFormat):
            format_of_name(name)


def test_another_name_is_refused_and_named() -> None:
    with pytest.raises(UnknownFormat, match=r"\.npy, .*, or \.csv\.gz .*'x\.pkl'"):
        format_of_name("folder/x.pkl")
    assert media_type_of_name("x.pkl") == "application/octet-stream"


def test_the_table_loads_nothing_heavy() -> None:
    code = (
        "import sys, kantor.service.formats\n"
        "sys.exit(bool({'numpy', 'httpx', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
