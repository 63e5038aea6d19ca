"""What the OpenAPI document says beyond what routes say by their signatures.

Bodies with samples are read by `bodies` and `intake`, not by the framework; their
schemas are added here. Every route may answer with a problem document.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from starlette.routing import compile_path

from kantor.service.api.problems import MEDIA_TYPE
from kantor.service.api.schemas import (
    DatasetReference,
    FormOptions,
    InlineColumns,
    InlineSamples,
    JobRequest,
)
from kantor.service.formats import MEDIA_TYPES

_TEMPLATE = "#/components/schemas/{model}"
_FILE = {"type": "string", "format": "binary"}


class FieldErrorView(BaseModel):
    """One thing that is wrong: in the body (pointer) or a parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemView(BaseModel):
    """An error, after RFC 9457; `code` is stable and made for programs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[FieldErrorView] = Field(default_factory=list)
    request_id: str


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(model=model.__name__)}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    media = {name: {"schema": schema} for name, schema in content.items()}
    return {"requestBody": {"required": True, "content": media}}


_SIDE = _FILE | {
    "description": 'A file; or, as text, `{"dataset": ...}` or `{"reference": ...}`'
}
_FORM = {
    "type": "object",
    "required": ["source", "target"],
    "additionalProperties": False,
    "properties": dict.fromkeys(("source_weights", "target_weights"), _FILE)
    | dict.fromkeys(("source", "target"), _SIDE)
    | {
        name: {"type": "string", "description": f"`{name}` as JSON"}
        for name in FormOptions.model_fields
    },
}
JOB_BODY = _body(
    {"application/json": _reference(JobRequest), "multipart/form-data": _FORM}
)
SCORES_BODY = _body(
    {
        "application/json": {
            "anyOf": [
                _reference(InlineSamples),
                _reference(InlineColumns),
                _reference(DatasetReference),
            ]
        }
    }
)
REFERENCE_BODY = _body({"application/json": _reference(DatasetReference)})
BATCH_BODY = _body(
    dict.fromkeys(MEDIA_TYPES, _FILE)
    | {
        "application/json": {
            "anyOf": [_reference(InlineSamples), _reference(InlineColumns)]
        }
    }
)
DATASET_BODY = _body(dict.fromkeys(MEDIA_TYPES, _FILE))

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Anything that went wrong",
        "content": {MEDIA_TYPE: {"schema": _reference(ProblemView)}},
    }
}


def methods_of(app: FastAPI, path: str) -> str:
    """Return the methods that a path has, as an `Allow` header."""
    methods = {
        method.upper()
        for template, operations in describe(app)["paths"].items()
        if compile_path(template)[0].match(path)
        for method in operations
    }
    if "GET" in methods or not methods:
        methods |= {"GET", "HEAD"}
    return ", ".join(sorted(methods))


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, built once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            webhooks=app.webhooks.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (JobRequest, InlineSamples, InlineColumns, ProblemView):
            schema = model.model_json_schema(ref_template=_TEMPLATE)
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        described = [*document["paths"].values(), *document["webhooks"].values()]
        for operations in described:
            for operation in operations.values():
                operation["responses"].pop("422", None)  # the framework's own shape
        app.openapi_schema = document
    return app.openapi_schema
