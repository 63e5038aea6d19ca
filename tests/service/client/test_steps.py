"""Retries: what is sent again, after how long, and what never is."""

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kantor.service.client import Busy, KantorClient, Refused, Retries, Unreachable

Reply = httpx.Response | Exception


class Service:
    """Answers what it is told, one after the other, and keeps what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("kantor.service.client.blocking.time.sleep", found.append)
    return found


def client_of(service: Callable[[httpx.Request], httpx.Response]) -> KantorClient:
    retries = Retries(attempts=3, chance=random.Random(0))
    return KantorClient(
        "http://s", transport=httpx.MockTransport(service), retries=retries
    )


def problem(status: int, **headers: str) -> httpx.Response:
    document = {"code": "c", "detail": "d", "status": status}
    media = {"content-type": "application/problem+json"}
    return httpx.Response(status, json=document, headers=media | headers)


DATASET: dict[str, Any] = {"id": "ds_1", "n": 2, "dim": 1}


def test_a_busy_service_is_asked_again_when_it_says(pauses: list[float]) -> None:
    service = Service(
        problem(503, **{"Retry-After": "7"}), httpx.Response(200, json={})
    )
    with client_of(service) as client:
        client.info()
    assert pauses == [7.0]


def test_pauses_grow_where_nothing_is_said(pauses: list[float]) -> None:
    fine = httpx.Response(200, json={})
    service = Service(httpx.ReadTimeout("slow"), problem(502), fine)
    with client_of(service) as client:
        client.info()
    assert 0.125 <= pauses[0] <= 0.25 <= pauses[1] <= 0.5


def test_what_asks_for_too_long_a_pause_goes_to_the_caller(pauses: list[float]) -> None:
    service = Service(problem(429, **{"Retry-After": "3600"}))
    with client_of(service) as client, pytest.raises(Busy) as caught:
        client.info()
    assert (caught.value.retry_after_s, pauses) == (3600.0, [])


def test_attempts_have_an_end(pauses: list[float]) -> None:
    service = Service(*[httpx.ConnectError("refused")] * 3)
    with client_of(service) as client, pytest.raises(Unreachable, match="refused"):
        client.info()
    assert len(service.requests) == 3


def test_a_refusal_is_final(pauses: list[float]) -> None:
    service = Service(problem(422))
    with client_of(service) as client, pytest.raises(Refused):
        client.info()
    assert len(service.requests) == 1


def test_a_submission_keeps_its_key_through_its_attempts(pauses: list[float]) -> None:
    job = httpx.Response(202, json={"id": "job_1", "status": "queued"})
    service = Service(httpx.ReadTimeout("lost"), job)
    dataset = "ds_" + "0" * 64
    with client_of(service) as client:
        client.submit(dataset, dataset)
    keys = [request.headers["Idempotency-Key"] for request in service.requests]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 32


def test_a_body_is_whole_in_every_attempt(pauses: list[float]) -> None:
    service = Service(problem(503), httpx.Response(201, json=DATASET))
    with client_of(service) as client:
        client.upload_dataset([[1.0], [2.0]])
    first, second = (request.content for request in service.requests)
    assert first == second
    assert first.startswith(b"\x93NUMPY")


def test_what_may_have_been_done_is_not_done_twice(pauses: list[float]) -> None:
    service = Service(httpx.ReadTimeout("lost"))
    with client_of(service) as client, pytest.raises(Unreachable):
        client.request("POST", "/v1/uploads")
    assert len(service.requests) == 1


def test_readiness_is_asked_once(pauses: list[float]) -> None:
    service = Service(problem(503))
    with client_of(service) as client, pytest.raises(Busy):
        client.ready()
    assert pauses == []
