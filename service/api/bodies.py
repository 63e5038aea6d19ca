"""Read the bodies of requests: JSON against its model, the fields and files of a form.

Nothing is stored here, and nothing is known of jobs or datasets.
"""

from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from kantor.service.api.errors import InvalidRequest, NotUnderstood
from kantor.service.api.problems import field_errors
from kantor.service.formats import (
    FileFormat,
    UnknownFormat,
    format_of_media_type,
    format_of_name,
)

Model = TypeVar("Model", bound=BaseModel)

_SHOWN = 64
"""Most characters of an unknown field's name that an error repeats."""


def media_type(content_type: str) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def declared_size(request: Request) -> int:
    """Return how many bytes a body will have by its header; 0 where it has none."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


def parse_json(text: bytes | bytearray | str) -> Any:
    """Parse JSON. NaN passes, and is refused later with its place in the document.

    Raises:
        NotUnderstood: It is not JSON; says at which line and column.
    """
    try:
        return from_json(text)
    except ValueError as error:
        raise NotUnderstood(f"expected JSON, received: {error}") from error


def validated(model: type[Model], document: Any) -> Model:
    """Check a parsed body against its model.

    Raises:
        InvalidRequest: It does not fit; points at each part that does not.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = field_errors(error.errors(), source="body")
        detail = "; ".join(item.detail for item in found[:5])
        raise InvalidRequest(detail, *found) from error


def json_fields(
    form: FormData, names: Collection[str], *, files: Collection[str]
) -> dict[str, Any]:
    """Parse the fields of a form beside its files; each holds one JSON value.

    Raises:
        InvalidRequest: A field is neither among `names` nor among `files`.
        NotUnderstood: A value is not JSON.
    """
    values = {}
    for name, value in form.multi_items():
        if name in files:
            continue
        if name not in names or not isinstance(value, str):
            shown = name[:_SHOWN]
            raise InvalidRequest.at(f"#/{shown}", f"unknown field {shown!r}")
        values[name] = parse_json(value)
    return values


def file_part(form: FormData, field: str) -> tuple[UploadFile, FileFormat]:
    """Return a file of a form and its format, by its content type or its name.

    Raises:
        InvalidRequest: There is none, or neither tells a format that is known.
    """
    part = form.get(field)
    if not isinstance(part, UploadFile):
        raise InvalidRequest.at(f"#/{field}", "expected a file, received none")
    declared = format_of_media_type(part.content_type or "")
    if declared is not None:
        return part, declared
    try:
        return part, format_of_name(part.filename or "")
    except UnknownFormat as error:
        raise InvalidRequest.at(f"#/{field}", str(error)) from error
