from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from pydantic import SecretStr

from kantor.service.api.access import OpenToAll
from kantor.service.api.problems import PROBLEMS
from kantor.service.api.server import build_server, check_broker
from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue import LeaseQueue, broker
from kantor.service.queue.broker import BrokerUnsuitable, connect
from kantor.service.settings import Settings


def test_a_ready_service_says_so(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ready", "reasons": []}


def test_a_queue_that_takes_no_writes_is_not_ready(
    settings: Settings, tmp_path: Path, serving: Any
) -> None:
    with EmbeddedValkey(tmp_path / "full") as own:
        full = settings.model_copy(update={"redis_url": SecretStr(own.url)})
        with connect(own.url) as client, serving(full) as (_, api):
            assert api.get("/readyz").status_code == 200
            client.config_set("maxmemory", 1)
            answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"][0]["code"] == "queue_unavailable"


def test_an_old_server_is_refused_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "OLDEST_VERSION", (99, 0))
    with pytest.raises(BrokerUnsuitable, match=r"expected Redis >= 6.2"):
        check_broker(settings)


def test_the_api_starts_while_the_server_is_away(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1")})
    check_broker(away)


def test_the_docs_page_loads_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/docs").text
    assert "https://" not in page
    assert api.get("/static/swagger/swagger-ui-bundle.js").status_code == 200


def test_every_answer_carries_its_guards(api: httpx.Client) -> None:
    headers = api.get("/nowhere").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"].startswith("req_")
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_an_api_without_keys_serves_loopback_only(settings: Settings) -> None:
    with pytest.raises(OpenToAll, match="KANTOR_API_KEYS"):
        build_server(settings.model_copy(update={"host": "0.0.0.0"}))


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "rebound.example"},
        {"Host": "[::1"},
    ],
)
def test_other_sites_cannot_ask_through_a_browser(
    api: httpx.Client, header: dict[str, str]
) -> None:
    response = api.get("/v1/jobs", headers=header)
    assert (response.status_code, response.json()["code"]) == (403, "cross_site")


def test_the_own_page_may_ask(api: httpx.Client) -> None:
    origin = str(api.base_url).rstrip("/")
    assert api.get("/v1/jobs", headers={"Origin": origin}).status_code == 200


def test_every_code_is_explained() -> None:
    text = Path("docs/errors.md").read_text(encoding="utf-8")
    codes = {kind.code for kind in PROBLEMS.values()}
    assert {code for code in codes if f"`{code}`" not in text} == set()


def test_a_lost_gpu_is_named(
    api: httpx.Client, client: redis.Redis, settings: Settings
) -> None:
    LeaseQueue(client, settings, "w").beat([], {"device": "", "gpu_lost": True})
    answer = api.get("/readyz")
    assert answer.status_code == 200  # what is stored can be read still
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["gpu_lost"]
    assert "kantor_gpus_lost 1.0" in api.get("/metrics").text


def test_workers_are_counted_by_their_device(
    api: httpx.Client, client: redis.Redis, settings: Settings
) -> None:
    for name in "ab":
        facts = {"device": "cuda:0 A", "memory_bytes": 80, "used_bytes": 8}
        LeaseQueue(client, settings, name).beat([], facts)
    expected = [{"device": "cuda:0 A", "memory_bytes": 80, "count": 2}]
    assert api.get("/v1/info").json()["workers"] == expected


def test_a_bucket_that_does_not_answer_is_a_reason(
    settings: Settings, serving: Any
) -> None:
    away = {"bucket_url": "s3://b", "bucket_endpoint": "http://127.0.0.1:1"}
    keys = {"bucket_access_key": "k", "bucket_secret_key": "s"}
    values = settings.model_dump(exclude_unset=True) | away | keys
    with serving(Settings.model_validate(values)) as (_, api):
        answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"][0]["code"] == "store_unavailable"


def test_a_drain_is_seen_everywhere(
    api: httpx.Client, client: redis.Redis, settings: Settings
) -> None:
    LeaseQueue(client, settings, "w").beat([])
    began = api.put("/v1/drain").json()
    assert ([item["name"] for item in began["draining"]], began["running"]) == (
        ["*"],
        0,
    )
    ready = api.get("/readyz")
    assert ready.status_code == 200  # jobs are accepted still
    assert [reason["code"] for reason in ready.json()["reasons"]] == ["draining"]
    assert api.get("/v1/info").json()["draining"] == "all"
    assert "kantor_workers_draining 1.0" in api.get("/metrics").text
    assert api.delete("/v1/drain").json()["draining"] == []
    assert api.get("/readyz").json()["reasons"] == []
    assert api.get("/v1/info").json()["draining"] == "none"
