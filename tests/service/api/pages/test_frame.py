"""What holds on every page: reachable for everybody, small, and fit for any screen."""

import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from kantor.service.settings import Settings

pytestmark = pytest.mark.browser

Watching = Callable[..., Any]
MOST_BYTES = 100_000


def addresses(worker: Any) -> list[str]:
    """Return the address of every page, with something on each."""
    labels = {"source": "a_rather_long_name_of_a_file.parquet", "run": "x" * 80}
    jobs = [worker.answered(seed=seed, labels=labels)["id"] for seed in (1, 2)]
    waiting = worker.submit(seed=3)["id"]
    compared = "&".join(f"job={job}" for job in jobs)
    pages = ["/", "/jobs", f"/jobs/{jobs[0]}", f"/jobs/{waiting}"]
    reference = worker.submit(seed=3)["source"]["dataset"]
    return [*pages, f"/compare?{compared}", f"/history?reference={reference}"]


def unfold(page: Page) -> None:
    page.evaluate(
        "document.querySelectorAll('details').forEach((d) => (d.open = true))"
    )
    page.wait_for_timeout(300)  # pictures come after the words


@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", None), ("dark", ["color-contrast"])]
)
def test_nothing_keeps_anybody_out(
    api: httpx.Client,
    worker: Any,
    watching: Watching,
    violations: Any,
    scheme: str,
    rules: list[str] | None,
) -> None:
    window = watching(api.base_url, scheme=scheme)
    found = {}
    for address in addresses(worker):
        page = window.open(address)
        unfold(page)
        found[address] = violations(page, rules)
    assert {address: what for address, what in found.items() if what} == {}


@pytest.mark.parametrize("width", [390, 768])
def test_nothing_sticks_out_of_its_card(
    api: httpx.Client, worker: Any, watching: Watching, sticking_out: Any, width: int
) -> None:
    window = watching(api.base_url, width=width)
    found = {}
    for address in addresses(worker):
        page = window.open(address)
        unfold(page)
        found[address] = sticking_out(page)
    assert {address: what for address, what in found.items() if what} == {}


def background(page: Page) -> str:
    color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


def test_colors_follow_the_system_or_the_reader(
    api: httpx.Client, watching: Watching
) -> None:
    window = watching(api.base_url, scheme="dark")
    page = window.open("/")
    dark = background(page)
    page.click("#theme")  # from the system's to light
    light = background(page)
    assert dark != light
    page.reload()
    assert background(page) == light
    page.click("#theme")
    assert background(page) == dark


def test_a_page_is_small(api: httpx.Client, worker: Any, watching: Watching) -> None:
    for address in addresses(worker):
        window = watching(api.base_url)  # which has nothing in its cache
        page = window.context.new_page()
        answers: set[Any] = set()
        page.on("response", lambda answer, answers=answers: answers.add(answer))
        page.goto(window.origin + address)
        page.wait_for_selector("main h1")
        sizes = {answer.url: len(answer.body()) for answer in answers if own(answer)}
        assert "/static/page/app.js" in " ".join(sizes)
        assert all(sizes.values())
        assert sum(sizes.values()) < MOST_BYTES, sizes


def own(answer: Any) -> bool:
    """Tell an asset of ours from the chart library and from what the API answers."""
    return not any(part in answer.url for part in ("/uplot/", "/v1/"))


class TestKeys:
    @pytest.fixture
    def api_settings(self, settings: Settings) -> Settings:
        digest = hashlib.sha256(b"kt_ada").hexdigest()
        return Settings.model_validate(
            settings.model_dump() | {"api_keys": {"ada": digest}}
        )

    def test_a_key_is_asked_for_and_kept_for_the_tab(self, window: Any) -> None:
        window.expect("status of 401")
        page = window.open("/jobs")
        expect(page.locator("[role=alert]")).to_contain_text("An API key is needed")
        expect(page.locator("#key")).to_be_focused()
        page.keyboard.type("kt_ada")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Jobs")
        page.reload()
        expect(page.locator("h1")).to_have_text("Jobs")
        assert page.evaluate("Object.keys(localStorage)") == []

    def test_without_keys_set_the_field_is_not_there(self, window: Any) -> None:
        window.expect("status of 401")
        expect(window.open("/").locator("#key")).to_be_visible()


def test_where_no_keys_are_needed_none_is_asked_for(window: Any) -> None:
    expect(window.open("/").locator("#key")).to_be_hidden()


def test_the_docs_page_works_without_the_network(window: Any) -> None:
    page = window.context.new_page()
    page.goto(f"{window.origin}/docs")
    expect(page.locator("text=Submit a job").first).to_be_visible()
