"""A key may do what its scopes say, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kantor.service.api import create_app
from kantor.service.api.scopes import OTHERS, needed_scope
from kantor.service.api_keys import Scope, digest_of
from kantor.service.settings import Settings

Rows = list[list[float]]


def key(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer kt_{scope}"}


@pytest.fixture
def api_settings(settings: Settings) -> Settings:
    scopes = {scope: [scope] for scope in ("submit", "read", "operate", "metrics")}
    keys = [
        {"digest": digest_of(f"kt_{name}"), "scopes": each}
        for name, each in scopes.items()
    ]
    values = settings.model_dump() | {"api_keys": {"ada": keys}}
    return Settings.model_validate(values)


def routes(folder: Path) -> Iterator[tuple[str, str]]:
    nowhere = {"redis_url": "redis://127.0.0.1:1", "data_dir": folder}
    paths = create_app(Settings.model_validate(nowhere)).openapi()["paths"]
    for path, methods in paths.items():
        for method in methods:
            yield method.upper(), path


def test_every_exception_is_a_route(tmp_path: Path) -> None:
    assert set(OTHERS) <= set(routes(tmp_path))


def test_whatever_changes_something_needs_more_than_read(tmp_path: Path) -> None:
    asking = {("POST", "/v1/jobs/{job_id}/scores")}
    for method, path in set(routes(tmp_path)) - asking:
        if method != "GET":
            assert needed_scope(method, path) in (Scope.SUBMIT, Scope.OPERATE)


def test_a_job_is_submitted_by_one_key_and_read_by_another(
    api: httpx.Client, rows: Rows
) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    job = api.post("/v1/jobs", json=body, headers=key("submit"))
    own = job.json()["links"]["self"]
    assert job.status_code == 202
    assert api.get(own, headers=key("read")).status_code == 200
    assert api.head(own, headers=key("read")).status_code == 200
    refused = [
        api.post("/v1/jobs", json=body, headers=key("read")),
        api.delete(own, headers=key("read")),
        api.get(own, headers=key("submit")),
        api.get(own, headers=key("metrics")),
        api.get("/v1/webhooks/secrets", headers=key("read")),
    ]
    told = {(answer.status_code, answer.json()["code"]) for answer in refused}
    assert told == {(403, "scope_missing")}
    assert "the scope submit, received one with read" in refused[0].json()["detail"]


def test_scores_are_read(api: httpx.Client) -> None:
    unknown = f"/v1/jobs/job_{'0' * 32}/scores"
    assert api.post(unknown, json={}, headers=key("read")).status_code == 404
    assert api.post(unknown, json={}, headers=key("submit")).status_code == 403


def test_a_drain_needs_an_operators_key(api: httpx.Client) -> None:
    for method in ("GET", "PUT", "DELETE"):
        asked = {
            scope: api.request(method, "/v1/drain", headers=key(scope)).status_code
            for scope in (Scope.SUBMIT, Scope.READ, Scope.METRICS, Scope.OPERATE)
        }
        assert [*asked.values()] == [403, 403, 403, 200]


def test_metrics_have_a_key_of_their_own(api: httpx.Client) -> None:
    statuses = {
        scope: api.get("/metrics", headers=key(scope)).status_code for scope in Scope
    }
    assert statuses == {
        Scope.METRICS: 200,
        Scope.SUBMIT: 403,
        Scope.READ: 403,
        Scope.OPERATE: 403,
    }
    assert api.get("/metrics").status_code == 401


class TestWithoutKeys:
    @pytest.fixture
    def api_settings(self, settings: Settings) -> Settings:
        return settings

    def test_metrics_are_open(self, api: httpx.Client) -> None:
        assert api.get("/metrics").status_code == 200
