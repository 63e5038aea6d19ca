"""Each change is one line: who, from where, what, and what came of it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from structlog.testing import capture_logs

from kantor.service.api import create_app
from kantor.service.api.audit import CHANGES
from kantor.service.api_keys import digest_of, short_name
from kantor.service.logs import configure_audit
from kantor.service.settings import Settings

Rows = list[list[float]]
KEYS = {
    "ada": {"digest": digest_of("kt_ada"), "name": "laptop"},
    "eye": {"digest": digest_of("kt_eye"), "scopes": ["read"]},
}
ADA, EYE = ({"Authorization": f"Bearer kt_{name}"} for name in ("ada", "eye"))
NOT_CHANGES = {
    ("POST", "/v1/jobs/{job_id}/scores"),  # a question
    ("POST", "/v1/uploads/{upload_id}/batches"),  # a part of an upload
}


@pytest.fixture
def audit_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "audit.jsonl"
    configure_audit(path)
    yield path
    configure_audit(None)


@pytest.fixture
def api_settings(settings: Settings, audit_file: Path) -> Settings:
    changes = {"api_keys": KEYS, "trusted_proxies": ["127.0.0.1"]}
    return Settings.model_validate(settings.model_dump() | changes)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def submit(api: httpx.Client, rows: Rows, **headers: str) -> httpx.Response:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    return api.post("/v1/jobs", json=body, headers=ADA | headers)


def test_every_route_that_changes_something_is_told(tmp_path: Path) -> None:
    nowhere = {"redis_url": "redis://127.0.0.1:1", "data_dir": tmp_path}
    paths = create_app(Settings.model_validate(nowhere)).openapi()["paths"]
    routes = {(m.upper(), path) for path, each in paths.items() for m in each}
    changing = {route for route in routes if route[0] != "GET"}
    assert changing - NOT_CHANGES == set(CHANGES)


def test_a_submission_is_told_with_who_and_from_where(
    api: httpx.Client, rows: Rows, audit_file: Path
) -> None:
    answer = submit(api, rows, **{"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    [line] = lines(audit_file)
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert line == {
        "event": "submit",
        "logger": "kantor.audit",
        "owner": "ada",
        "key": "laptop",
        "address": "198.51.100.7",  # what the proxy says; the rest is the caller's
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "what": answer.headers["location"],
        "result": "done",
        "status": 202,
        "code": None,
    }


def test_each_change_is_one_event(
    api: httpx.Client, rows: Rows, audit_file: Path
) -> None:
    job = submit(api, rows).json()["links"]["self"]
    content = io.BytesIO()
    np.save(content, np.array(rows))
    kind = ADA | {"Content-Type": "application/x-npy"}
    kept = api.post("/v1/datasets", content=content.getvalue(), headers=kind)
    named = "/v1/references/baseline"
    body = {"dataset": kept.json()["id"]}
    api.put(named, json=body, headers=ADA)
    api.get(named, headers=ADA)
    api.post(f"{job}/cancel", headers=ADA)
    api.delete(job, headers=ADA)
    told = [(line["event"], line["what"]) for line in lines(audit_file)]
    assert told == [
        ("submit", job),
        ("upload", kept.headers["location"]),
        ("reference", named),
        ("cancel", f"{job}/cancel"),
        ("delete", job),
    ]


def test_a_change_that_is_refused_says_why(api: httpx.Client, audit_file: Path) -> None:
    api.post("/v1/jobs", json={"source": 1}, headers=ADA)
    [line] = lines(audit_file)
    assert (line["event"], line["result"]) == ("submit", "refused")
    assert (line["status"], line["code"]) == (422, "invalid_request")


def test_refused_keys_are_told_by_their_digests_alone(
    api: httpx.Client, audit_file: Path
) -> None:
    api.get("/v1/jobs", headers={"Authorization": "Bearer kt_gone"})
    api.get("/v1/jobs")
    api.delete(f"/v1/jobs/job_{'0' * 32}", headers=EYE)
    told = [(line["event"], line["key"], line["code"]) for line in lines(audit_file)]
    assert told == [
        ("refused", short_name(digest_of("kt_gone")), "unauthorized"),
        ("refused", None, "unauthorized"),
        ("refused", short_name(digest_of("kt_eye")), "scope_missing"),
    ]
    assert "kt_gone" not in audit_file.read_text()


def test_a_file_that_is_moved_away_is_followed_by_a_new_one(
    api: httpx.Client, rows: Rows, audit_file: Path
) -> None:
    submit(api, rows)
    moved = audit_file.rename(audit_file.with_suffix(".1"))
    submit(api, rows)
    assert [len(lines(path)) for path in (moved, audit_file)] == [1, 1]
    assert moved.stat().st_mode & 0o777 == 0o600


class TestWithoutTrust:
    @pytest.fixture
    def api_settings(self, settings: Settings, audit_file: Path) -> Settings:
        return settings

    def test_callers_cannot_say_where_they_are(
        self, api: httpx.Client, audit_file: Path
    ) -> None:
        api.post("/v1/uploads", headers={"X-Forwarded-For": "203.0.113.9"})
        [line] = lines(audit_file)
        assert (line["address"], line["owner"]) == ("127.0.0.1", "")


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        configure_audit(tmp_path / "absent" / "audit.jsonl")


def test_what_the_file_does_not_take_goes_to_stderr(
    audit_file: Path, api: httpx.Client
) -> None:
    audit_file.unlink()
    audit_file.mkdir()  # opening it fails
    with capture_logs() as logs:
        assert api.post("/v1/uploads", headers=ADA).status_code == 201
    told = [(line["event"], line.get("logger")) for line in logs]
    assert ("upload", "kantor.audit") in told
    assert "audit_file_failed" in [event for event, _ in told]
