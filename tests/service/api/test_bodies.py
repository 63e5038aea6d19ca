import io
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.datastructures import FormData, Headers, UploadFile

from kantor.service.api.bodies import (
    file_part,
    json_fields,
    media_type,
    parse_json,
    validated,
)
from kantor.service.api.errors import InvalidRequest, NotUnderstood
from kantor.service.formats import FileFormat


class Point(BaseModel):
    x: float
    y: float


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nul"])
def test_what_is_no_json_says_where(text: str) -> None:
    with pytest.raises(NotUnderstood, match="line 1 column"):
        parse_json(text)


def test_everything_that_does_not_fit_is_pointed_at() -> None:
    with pytest.raises(InvalidRequest) as refused:
        validated(Point, {"x": "far"})
    assert [e.pointer for e in refused.value.errors] == ["#/x", "#/y"]


def test_a_content_type_is_read_without_its_parameters() -> None:
    assert media_type(" Text/CSV ; charset=utf-8") == "text/csv"


def part(name: str, kind: str = "") -> UploadFile:
    headers = Headers({"content-type": kind})
    return UploadFile(io.BytesIO(), filename=name, headers=headers)


def test_fields_beside_the_files_are_json() -> None:
    form = FormData([("source", part("x.npy")), ("seed", "3"), ("labels", "{}")])
    found = json_fields(form, {"seed", "labels"}, files={"source"})
    assert found == {"seed": 3, "labels": {}}


@pytest.mark.parametrize("stranger", [("sede", "3"), ("seed", part("x.npy"))])
def test_a_field_nobody_knows_is_named(stranger: tuple[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="unknown field 'se") as refused:
        json_fields(FormData([stranger]), {"seed"}, files=())
    assert refused.value.errors[0].pointer == f"#/{stranger[0]}"


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("x.csv", "application/octet-stream", FileFormat.CSV),
        ("x.dat", "text/csv", FileFormat.CSV),
        ("x.csv", "application/x-npy", FileFormat.NPY),
    ],
)
def test_a_files_content_type_says_more_than_its_name(
    name: str, kind: str, found: FileFormat
) -> None:
    form = FormData([("source", part(name, kind))])
    assert file_part(form, "source")[1] is found


@pytest.mark.parametrize("fields", [[], [("source", "text")], [("source", part("x"))]])
def test_a_side_without_a_readable_file_is_named(fields: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match="expected a file") as refused:
        file_part(FormData(fields), "source")
    assert refused.value.errors[0].pointer == "#/source"
