"""A real Chromium on a live API, with either a real worker or one that we play."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from kantor.service.queue import LeaseQueue
from kantor.service.queue.leases import Claim
from kantor.service.settings import Settings
from kantor.service.store import BlobStore

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).with_name("vendor") / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}
PATIENCE_MS = 20_000

POINTS = [
    {
        "step": 10 * k,
        "max_steps": 40,
        "train": 1.0 - 0.5 / k,
        "validation": 0.9 - 0.4 / k,
    }
    for k in range(1, 4)
]
RESULT: dict[str, Any] = {
    "estimate": 1.0, "standard_error": 0.1, "lower_bound": 0.8, "confidence": 0.95,
    "bound_method": "betting", "p_value": 0.001, "sample_lower_bound": 0.9,
    "sample_upper_bound": 1.3, "sample_upper_bound_reason": "exact transport",
    "certificate": {"lipschitz_bound": 1.0, "norm": "l2", "layers": []},
    "n_source": 50, "n_target": 50, "dim": 2, "steps": 40, "elapsed_s": 1.0,
    "stop_reason": "step_limit", "detectable_distance": 0.4, "critic_family": "affine",
    "warnings": ["All steps were taken; more effort or steps may tighten the bound."],
    "curve": [point | {"elapsed_s": 0.1, "learning_rate": 0.1} for point in POINTS],
    "config": {"effort": "quick", "scaling": "scalar"},
    "differences": {
        "source_extremes": [{"row": 31, "value": 1.5}],
        "target_extremes": [{"row": 47, "value": -2.0}],
        "attribution": [
            {"feature": 1, "share": 0.875, "slope": -0.9},
            {"feature": 0, "share": 0.125, "slope": 0.3},
        ],
        "gradient_norm": {"rows": 100, "mean": 1.0, "steep_share": 1.0},
        "histogram": {"edges": [-2, 0, 2], "source": [0.25, 0.75], "target": [1, 0]},
    },
}  # fmt: skip

Document = dict[str, Any]


@dataclass
class Watched:
    """Open pages, and notes what must not happen on them."""

    context: BrowserContext
    origin: str
    expected: str = "(?!)"
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a page in a tab of its own."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)
        page.on("request", lambda request: self._note_request(request.url))
        page.goto(self.origin + path)
        page.wait_for_selector("main h1")
        return page

    def expect(self, pattern: str) -> None:
        """Expect messages in the console, such as of a refusal that is provoked."""
        self.expected = pattern

    def _note(self, message: Any) -> None:
        if message.type == "error" and not re.search(self.expected, message.text):
            self.faults.append(message.text)

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.faults.append(f"a request to another origin: {url}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run one browser a module: its event loop must not outlive the tests of pages."""
    if CHROMIUM is None:
        assert "CI" not in os.environ, "expected chromium on the CI"
        pytest.skip("needs chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watching(chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """Return what opens a window on a service; its pages must be without faults."""
    opened: list[Watched] = []

    def watch(origin: Any, *, width: int = 1100, scheme: Any = "light") -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        context.set_default_timeout(PATIENCE_MS)
        opened.append(Watched(context, str(origin).rstrip("/")))
        return opened[-1]

    yield watch
    for window in opened:
        window.context.close()
    assert [fault for window in opened for fault in window.faults] == []


@pytest.fixture
def window(api: httpx.Client, watching: Callable[..., Watched]) -> Watched:
    """Return a window on the API without a worker."""
    return watching(api.base_url)


class PlayedWorker:
    """Stands in for a worker, so that a test decides when a job moves."""

    points = POINTS

    def __init__(
        self, api: httpx.Client, client: redis.Redis, settings: Settings
    ) -> None:
        self._api = api
        self._queue = LeaseQueue(client, settings, "worker")
        self._blobs = BlobStore(settings.data_dir)

    def submit(self, *, seed: int = 0, **options: Any) -> Document:
        """Submit a job of 50 rows a side."""
        rows = np.random.default_rng(7).normal(size=(50, 2)).tolist()
        sides = {"source": {"samples": rows}, "target": {"samples": rows}}
        body = sides | {"config": {"seed": seed, "effort": "quick"}} | options
        document: Document = self._api.post("/v1/jobs", json=body).json()
        return document

    def claim(self) -> Claim:
        """Take the next job, once there is one."""
        until = time.monotonic() + 20
        while not (claims := self._queue.claim()):
            assert time.monotonic() < until
            time.sleep(0.05)
        return claims[0]

    def report(self, claim: Claim, *points: Document) -> None:
        """Report progress."""
        assert self._queue.progress(claim, list(points))

    def succeed(self, claim: Claim, **changes: Any) -> None:
        """End a job with an answer."""
        blob = self._blobs.put(json.dumps(RESULT | changes).encode())
        assert self._queue.succeed(claim, result=blob)

    def stop(self, claim: Claim) -> None:
        """End a job that was asked to stop."""
        assert self._queue.cancelled(claim)

    def answered(
        self, *, seed: int = 0, answer: Document | None = None, **options: Any
    ) -> Document:
        """Submit a job and answer it."""
        job = self.submit(seed=seed, **options)
        self.succeed(self.claim(), **(answer or {}))
        return job


@pytest.fixture
def worker(
    api: httpx.Client, client: redis.Redis, api_settings: Settings
) -> PlayedWorker:
    return PlayedWorker(api, client, api_settings)


def grave_violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """Return what axe-core finds serious or worse, by all its rules or some."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = page.evaluate("(options) => axe.run(options)", options)["violations"]
    return [
        f"{item['id']}: {node['html'][:200]}"
        for item in found
        if item["impact"] in GRAVE
        for node in item["nodes"]
    ]


def what_sticks_out(page: Page) -> list[str]:
    """Return what reaches out of its card, or makes the page wider than the screen."""
    found: list[str] = page.evaluate(
        """() => {
          const { scrollWidth } = document.documentElement;
          const wide = scrollWidth > innerWidth ? ["the page itself"] : [];
          const inside = (one, other) =>
            one.left >= other.left - 1 && one.right <= other.right + 1;
          const free = ".scroll *, pre *, .unseen, svg *, .jobs thead, .jobs thead *";
          for (const card of document.querySelectorAll(".card, header, .bar")) {
            const frame = card.getBoundingClientRect();
            for (const part of card.querySelectorAll("*")) {
              const box = part.getBoundingClientRect();
              if (part.matches(free) || box.width === 0 || inside(box, frame)) continue;
              wide.push(part.outerHTML.slice(0, 120));
            }
          }
          return wide;
        }"""
    )
    return found


@pytest.fixture
def violations() -> Callable[..., list[str]]:
    return grave_violations


@pytest.fixture
def sticking_out() -> Callable[[Page], list[str]]:
    return what_sticks_out
