"""The document of every page; the pages themselves are tested in a browser."""

import re

import httpx
import pytest

from kantor.service.api.routes import pages
from kantor.service.api.routes.pages import STATIC


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/job_0", "/compare", "/history"])
def test_every_address_of_a_page_answers_the_document(
    api: httpx.Client, path: str
) -> None:
    response = api.get(path)
    assert response.status_code == 200
    assert '<main id="main"' in response.text
    assert "'unsafe-inline'" not in response.headers["content-security-policy"]


def test_scripts_and_styles_are_asked_for_again(api: httpx.Client) -> None:
    script = api.get("/static/page/app.js")
    assert script.headers["cache-control"] == "no-cache"
    again = api.get(
        "/static/page/app.js", headers={"If-None-Match": script.headers["etag"]}
    )
    assert again.status_code == 304


def test_nothing_is_written_into_the_document() -> None:
    document = (STATIC / "page" / "index.html").read_text()
    assert not re.search(r"<script>|<style| style=| on\w+=|https?://", document)


def test_all_that_scripts_import_is_there(api: httpx.Client) -> None:
    for script in (STATIC / "page").glob("*.js"):
        for path in re.findall(r'"(/static/[^"]+)"', script.read_text()):
            assert api.get(path).status_code == 200, (script.name, path)


def test_the_document_of_the_routes_is_written_out_once(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is large, and asked for without a key: ten a second kept others waiting."""
    first = api.get("/openapi.json")
    monkeypatch.setattr(pages, "json", None)  # nothing is written again
    assert api.get("/openapi.json").content == first.content
    assert first.json()["info"]["title"] == "Kantor"
