from pathlib import Path

import httpx
import pytest

from kantor.service.api.access import OpenToAll
from kantor.service.api.problems import PROBLEMS
from kantor.service.api.server import build_server
from kantor.service.settings import Settings


def test_a_ready_service_says_so(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ready", "reasons": []}


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
