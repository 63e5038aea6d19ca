"""Jobs and datasets belong to the key that made them."""

import contextlib
import hashlib
import hmac
from typing import Any

import httpx
import pytest

from kantor.service.api.access import Access
from kantor.service.api.errors import Unauthorized
from kantor.service.settings import Settings

Rows = list[list[float]]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def api_settings(settings: Settings) -> Settings:
    digests: dict[str, Any] = {
        owner: hashlib.sha256(key.encode()).hexdigest()
        for owner, key in {"ada": "kt_ada", "bob": "kt_bob"}.items()
    }
    second = hashlib.sha256(b"kt_bob2").hexdigest()
    digests |= {"bob": [digests["bob"], second]}
    return Settings.model_validate(settings.model_dump() | {"api_keys": digests})


def submit_as(api: httpx.Client, key: str, rows: Rows) -> dict[str, Any]:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    document: dict[str, Any] = api.post(
        "/v1/jobs", json=body, headers=bearer(key)
    ).json()
    return document


@pytest.mark.parametrize("header", [{}, bearer("kt_eve"), {"Authorization": "kt_ada"}])
def test_requests_without_a_key_are_turned_away(
    api: httpx.Client, header: dict[str, str]
) -> None:
    response = api.get("/v1/jobs", headers=header)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


def test_another_keys_job_is_not_found(api: httpx.Client, rows: Rows) -> None:
    own = submit_as(api, "kt_ada", rows)["links"]["self"]
    assert api.get(own, headers=bearer("kt_ada")).status_code == 200
    assert api.get(own, headers=bearer("kt_bob")).status_code == 404
    assert api.get("/v1/jobs", headers=bearer("kt_bob")).json()["data"] == []


def test_another_keys_dataset_is_not_found(api: httpx.Client, rows: Rows) -> None:
    side = {"dataset": submit_as(api, "kt_ada", rows)["source"]["dataset"]}
    body = {"source": side, "target": side}
    taken = api.post("/v1/jobs", json=body, headers=bearer("kt_bob"))
    assert taken.json()["code"] == "dataset_not_found"
    own = api.post("/v1/jobs", json=body, headers=bearer("kt_ada"))
    assert own.status_code == 202


def test_deleting_a_shared_dataset_leaves_the_others_theirs(
    api: httpx.Client, rows: Rows
) -> None:
    dataset = submit_as(api, "kt_ada", rows)["source"]["dataset"]
    submit_as(api, "kt_bob", rows)
    path = f"/v1/datasets/{dataset}"
    assert api.delete(path, headers=bearer("kt_ada")).status_code == 204
    assert api.get(path, headers=bearer("kt_ada")).status_code == 404
    assert api.get(path, headers=bearer("kt_bob")).status_code == 200


def test_two_keys_of_an_owner_have_the_same_jobs(api: httpx.Client, rows: Rows) -> None:
    own = submit_as(api, "kt_bob", rows)["links"]["self"]
    assert api.get(own, headers=bearer("kt_bob2")).status_code == 200


def test_probes_need_no_key(api: httpx.Client) -> None:
    assert api.get("/readyz").status_code == 200


@pytest.mark.parametrize("key", ["kt_ada", "kt_bob", "kt_bob2", "kt_eve"])
def test_a_key_is_compared_with_every_digest_in_constant_time(
    api_settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    compared: list[tuple[str, str]] = []
    compare = hmac.compare_digest

    def noted(known: str, given: str) -> bool:
        compared.append((known, given))
        return compare(known, given)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    with contextlib.suppress(Unauthorized):
        Access(api_settings).caller_of(f"Bearer {key}")
    digests = [
        known.digest.get_secret_value()
        for keys in api_settings.api_keys.values()
        for known in keys
    ]
    given = hashlib.sha256(key.encode()).hexdigest()
    assert compared == [(known, given) for known in digests]
