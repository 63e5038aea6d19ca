"""Take the pictures of the pages: `python -m docs.screenshots` (`make screenshots`).

Needs chromium. Runs a service of its own, asks it about scikit-learn's handwritten
digits as the demonstration does, and writes what a reader sees to `docs/images`, with
a palette each, which makes a third of their bytes.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from kantor.service.cli.demonstration import questions, running_service
from kantor.service.client import KantorClient

IMAGES = Path(__file__).with_name("images")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
DESK = {"width": 1100, "height": 800}
TALL = {"width": 1100, "height": 1080}
"""The answer with both of its charts."""
PHONE = {"width": 390, "height": 844}
WAIT_MS = 60_000


def main() -> None:
    """Write every picture anew."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("expected chromium (apt-get install chromium), found none")
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder)) as client,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        take(browser, client, Path(folder))
        browser.close()


def take(browser: Browser, client: KantorClient, folder: Path) -> None:
    """Take the picture of each page, of some in dark and on a phone as well."""
    jobs = [ask(client, question) for question in questions()]
    answer = f"/jobs/{jobs[0]}"
    for name, path, look in (
        ("page-answer", answer, {"viewport": TALL}),
        ("page-answer-dark", answer, {"viewport": TALL, "color_scheme": "dark"}),
        ("page-answer-phone", answer, {"viewport": PHONE}),
        ("page-jobs", "/jobs", {}),
        ("page-compare", f"/compare?job={jobs[0]}&job={jobs[1]}", {}),
    ):
        keep(show(browser, client, path, look), name)
    page = show(browser, client, "/", {})
    for side, samples in zip(("source", "target"), files(folder), strict=True):
        page.set_input_files(f"#{side}-file", samples)
    page.wait_for_selector(".compared")
    keep(page, "page-new")


def keep(page: Page, name: str) -> None:
    """Write what is seen as a small png: 256 colors do for a page."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = picture.quantize(256, dither=Image.Dither.NONE)
    small.save(IMAGES / f"{name}.png", optimize=True)


def ask(client: KantorClient, question: Any) -> str:
    """Submit a question of the demonstration and wait for its answer."""
    names = dict(
        zip(("source", "target"), question.name.split(" against "), strict=False)
    )
    if "target" not in names:
        names = {"source": "half of all digits", "target": "the other half"}
    job = client.submit(
        question.source, question.target, config={"effort": "quick"}, labels=names
    )
    return job.wait().id


def files(folder: Path) -> list[Path]:
    """Write two csv files with a line of names."""
    rng = np.random.default_rng(0)
    paths = [folder / "january.csv", folder / "february.csv"]
    for path, shift in zip(paths, (0.0, 4.0), strict=True):
        rows = rng.normal([41.0 + shift, 172.0, 71.0], [12.0, 9.0, 11.0], size=(800, 3))
        np.savetxt(path, rows, "%.1f", ",", header="age,height,weight", comments="")
    return paths


def show(
    browser: Browser, client: KantorClient, path: str, look: dict[str, Any]
) -> Page:
    """Open a page and wait until all of it is there."""
    viewport = {"viewport": DESK} | look
    context = browser.new_context(**viewport, device_scale_factor=1.5)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(client.base_url.rstrip("/") + path)
    page.wait_for_selector("main h1")
    page.wait_for_timeout(1000)  # pictures come after the words
    return page


if __name__ == "__main__":
    main()
