"""Errors: their class says what to do, their fields what is wrong."""

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from kantor.service.client.errors import (
    AccessDenied,
    Busy,
    Conflict,
    KantorError,
    NotFound,
    Refused,
    ServiceFailed,
    error_of,
    retry_after_s,
)

PROBLEM = {
    "code": "invalid_request",
    "detail": "two things are wrong",
    "status": 422,
    "request_id": "req_1",
    "errors": [
        {"pointer": "#/config/a~1b%20c", "detail": "expected 1"},
        {"parameter": "limit", "detail": "expected 2"},
    ],
}


def of(status: int, document: object = PROBLEM) -> KantorError:
    headers = {"content-type": "application/problem+json"}
    error = error_of(httpx.Response(status, json=document, headers=headers))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused), (401, AccessDenied), (403, AccessDenied), (404, NotFound),
        (409, Conflict), (410, NotFound), (413, Refused), (415, Refused),
        (422, Refused), (429, Busy), (500, ServiceFailed), (503, Busy),
    ],
)  # fmt: skip
def test_a_status_has_its_class(status: int, kind: type[KantorError]) -> None:
    assert type(of(status)) is kind


def test_an_answer_that_is_none_is_no_error() -> None:
    assert error_of(httpx.Response(200)) is None


def test_an_error_names_its_fields() -> None:
    error = of(422)
    assert isinstance(error, ValueError)
    assert [(f.field, f.detail) for f in error.fields] == [
        ("config.a/b c", "expected 1"),
        ("limit", "expected 2"),
    ]
    assert (error.field, error.code, error.request_id) == (
        "config.a/b c",
        "invalid_request",
        "req_1",
    )


@pytest.mark.parametrize("document", ["text", [1], None])
def test_what_is_no_problem_document_is_told_all_the_same(document: object) -> None:
    error = of(500, document)
    assert error.code == "unexpected_answer"
    assert str(error) == "HTTP 500 Internal Server Error"
    assert error.field is None


def test_a_proxys_page_is_told_by_its_status() -> None:
    error = error_of(httpx.Response(502, html="<h1>Bad Gateway</h1>"))
    assert str(error) == "HTTP 502 Bad Gateway"


def test_an_error_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(of(422)))
    assert type(error) is Refused
    assert error.problem == PROBLEM


def test_a_date_to_come_again_is_seconds() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=30)
    headers = {"retry-after": format_datetime(moment, usegmt=True)}
    assert 25.0 < (retry_after_s(headers) or 0.0) <= 30.0


@pytest.mark.parametrize("text", ["", "soon", "-5"])
def test_what_says_no_time_says_none(text: str) -> None:
    assert retry_after_s({"retry-after": text}) is None
