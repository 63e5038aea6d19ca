"""What every request passes through, around applications that misbehave."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from kantor.service.api.middleware import BodyLimiter, RequestContext

LIMIT = 10


async def count(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer how many bytes came."""
    received, more = 0, True
    while more:
        message = await receive()
        received += len(message.get("body", b""))
        more = message.get("more_body", False)
    await PlainTextResponse(str(received))(scope, receive, send)


async def break_down(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret detail")


def ask(app: Any, **options: Any) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(RequestContext(app))
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.post("http://test/path", **options)

    return asyncio.run(post())


async def in_parts(body: bytes) -> Any:
    for byte in body:
        yield bytes([byte])


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_at_the_limit_passes_and_one_over_it_does_not(declared: bool) -> None:
    app = BodyLimiter(count, max_bytes=LIMIT)

    def send(size: int) -> httpx.Response:
        body = b"x" * size
        return ask(app, content=body if declared else in_parts(body))

    assert send(LIMIT).text == "10"
    refused = send(LIMIT + 1)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_what_nobody_foresaw_is_a_problem_without_its_detail() -> None:
    answer = ask(break_down)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_an_answers_own_headers_are_kept() -> None:
    async def strict(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"Content-Security-Policy": "default-src 'none'"}
        await PlainTextResponse("", headers=headers)(scope, receive, send)

    headers = ask(strict).headers
    assert headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert headers["x-content-type-options"] == "nosniff"
