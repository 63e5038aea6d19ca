"""New estimate: from two files, or the keyboard alone, to an answer."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from kantor.service.client import KantorClient

pytestmark = pytest.mark.browser

Watching = Callable[..., Any]
ROWS = "1, 2\n3, 4\n5, 6\n7, 9\n" * 10


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Write two csv files, whose second columns are far apart."""
    rng = np.random.default_rng(1)
    for name, shift in (("before.csv", 0.0), ("after.csv", 3.0)):
        rows = rng.normal([0.0, shift], size=(600, 2))
        lines = [f"{a:.6f},{b:.6f}" for a, b in rows]
        (tmp_path / name).write_text("\n".join(["age,height", *lines, ""]))
    return tmp_path / "before.csv", tmp_path / "after.csv"


def give(page: Page, source: Path, target: Path) -> None:
    page.set_input_files("#source-file", source)
    page.set_input_files("#target-file", target)


def open_group(page: Page, name: str) -> None:
    page.locator("summary", has_text=name).click()


def test_two_csv_files_become_an_answer(
    live_service: KantorClient, watching: Watching, files: tuple[Path, Path]
) -> None:
    page = watching(live_service.base_url).open("/")
    give(page, *files)
    expect(page.locator(".compared")).to_contain_text("600 rows with 600")
    expect(page.locator(".preview").first).to_contain_text("height")
    page.select_option("#setting-effort", "quick")
    open_group(page, "Training")
    page.fill("#setting-steps", "30")
    page.click("button.main")
    verdict = page.locator(".answer.differs .verdict")
    expect(verdict).to_contain_text("apart, with 95 % confidence", timeout=60_000)
    expect(page.locator("h1")).to_have_text("before.csv and after.csv")
    bound = re.search(r"at least ([\d.]+) apart", verdict.inner_text())
    assert bound
    assert 1.5 < float(bound[1]) < 3.1  # the truth is 3
    expect(page.locator("td span.target").first).to_have_text("target")
    assert page.locator("#histogram canvas").count() == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.jsonl", '{"age": 1.5, "height": 2}\n' * 50),
        ("rows.tsv", "age\theight\n" + "1.5\t2\n" * 50),
        ("rows.csv", '"age";"height"\n' + "1.5;2\n" * 50),
    ],
)
def test_a_file_is_looked_into(
    window: Any, tmp_path: Path, name: str, text: str
) -> None:
    page = window.open("/")
    (tmp_path / name).write_text(text)
    page.set_input_files("#source-file", tmp_path / name)
    expect(page.locator(".facts")).to_contain_text("50 rows, 2 columns")
    heads = page.locator(".preview th")
    expect(heads).to_have_text(["agenumber", "heightnumber"])
    expect(page.locator(".preview tbody tr")).to_have_count(5)


def test_a_setting_out_of_range_is_told_at_its_field(window: Any, files: Any) -> None:
    page = window.open("/")
    give(page, *files)
    page.fill("#setting-confidence", "1.5")
    open_group(page, "Critic")
    page.fill("#setting-depth", "many")
    page.click("button.main")
    confidence = page.locator("#setting-confidence")
    expect(confidence).to_have_attribute("aria-invalid", "true")
    expect(confidence).to_be_focused()
    expect(page.locator("#setting-confidence-error")).to_have_text(
        "Expected a number from 0.5 to below 1, received 1.5."
    )
    expect(page.locator("#setting-depth-error")).to_contain_text(
        "a whole number from 1 to 16"
    )
    page.fill("#setting-confidence", "0.9")
    expect(confidence).to_have_attribute("aria-invalid", "false")


def test_settings_that_do_not_fit_each_other_are_told_at_the_field(
    window: Any, files: Any
) -> None:
    window.expect("status of 422")
    page = window.open("/")
    give(page, *files)
    open_group(page, "Critic")
    page.select_option("#setting-constraint", "l1")
    expect(page.locator(".compared")).to_be_visible()
    page.click("button.main")
    expect(page.locator("#setting-constraint-error")).to_contain_text(
        "expected another than l1"
    )
    expect(page.locator("#setting-constraint")).to_be_focused()


def test_a_side_says_what_is_wrong_with_it(window: Any, tmp_path: Path) -> None:
    window.expect("status of 422")
    page = window.open("/")
    broken = tmp_path / "broken.csv"
    broken.write_text("1,2\n3,four\n5,6\n")
    page.set_input_files("#source-file", broken)
    error = page.locator("#source-file-error")
    expect(error).to_contain_text("four")
    page.click("button.main")
    expect(page.locator("#target-file-error")).to_contain_text("Choose a file")
    assert page.get_attribute("#source-file", "aria-describedby") == "source-file-error"


def test_the_keyboard_alone_is_enough(api: httpx.Client, window: Any) -> None:
    page = window.open("/")
    for side in ("source", "target"):
        press_until(page, f'input[name="{side}-way"]:focus')
        page.keyboard.press("ArrowRight")
        press_until(page, f"#{side}-paste:focus")
        page.keyboard.insert_text(ROWS)
        page.keyboard.press("Tab")
        expect(page.locator(f".side.{side} .facts")).to_contain_text("40 rows")
    press_until(page, "button.main:focus")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/job_*")
    [job] = api.get("/v1/jobs").json()["data"]
    assert (job["source"]["n"], job["target"]["n"]) == (40, 40)


def press_until(page: Page, selector: str) -> None:
    """Press the tab key until something has the focus."""
    for _ in range(40):
        if page.query_selector(selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"expected {selector} within 40 tabs")


def test_running_again_starts_from_the_other_job(worker: Any, window: Any) -> None:
    job = worker.answered(labels={"source": "before.csv"})
    page = window.open(f"/jobs/{job['id']}")
    page.click("text=Run again with more effort")
    expect(page.locator("#setting-effort")).to_have_value("standard")
    expect(page.locator("#source-stored")).to_have_value(job["source"]["dataset"])
    expect(page.locator(".preview tbody tr")).to_have_count(10)


def test_weights_go_along_and_are_kept_when_running_again(
    api: httpx.Client, window: Any, files: Any, tmp_path: Path
) -> None:
    page = window.open("/")
    give(page, *files)
    (tmp_path / "weights.csv").write_text("0.5\n1\n" * 300)
    page.locator(".side.source summary", has_text="Weights").click()
    page.set_input_files("#source-weights", tmp_path / "weights.csv")
    expect(page.locator("#source-weights-note")).to_contain_text("600 weights")
    page.click("button.main")
    page.wait_for_url("**/jobs/job_*")
    [job] = api.get("/v1/jobs").json()["data"]
    assert job["source"]["weights"].startswith("ds_")
    page = window.open(f"/?from={job['id']}")
    expect(page.locator(".compared")).to_be_visible()
    page.fill("#setting-seed", "5")
    page.click("button.main")
    page.wait_for_url("**/jobs/job_*")
    again, _ = api.get("/v1/jobs").json()["data"]
    assert again["source"] == job["source"]


def test_a_reference_is_kept_and_a_batch_compared_with_it(
    window: Any, files: tuple[Path, Path]
) -> None:
    page = window.open("/")
    page.set_input_files("#source-file", files[0])
    page.locator("summary", has_text="Keep as a reference").click()
    page.fill("#source-reference", "my baseline")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("#source-reference-note")).to_contain_text("Expected letters")
    page.fill("#source-reference", "baseline")
    page.press("#source-reference", "Enter")
    expect(page.locator("#source-reference-note")).to_have_text("Kept as baseline.")
    page = window.open("/")
    expect(page.locator("h1")).to_be_visible()
    page.locator(".side.source label", has_text="Stored").click()
    expect(page.locator("#source-stored-known option").first).to_have_attribute(
        "value", "baseline"
    )
    page.fill("#source-stored", "baseline")
    page.press("#source-stored", "Tab")
    expect(page.locator(".side.source .facts")).to_contain_text("600 rows")
    page.set_input_files("#target-file", files[1])
    expect(page.locator(".compared")).to_contain_text("600 rows with 600")
    page.click("button.main")
    expect(page.locator("h1")).to_contain_text("baseline and after.csv")
    [job] = page.request.get(f"{window.origin}/v1/jobs").json()["data"]
    assert (job["source"]["reference"], job["target"]["reference"]) == (
        "baseline",
        None,
    )


def test_a_reference_that_is_not_there_is_told(window: Any) -> None:
    window.expect("status of 404")
    page = window.open("/?reference=nobody")
    expect(page.locator(".side.source .error")).to_contain_text("no reference 'nobody'")


def test_a_webhook_is_asked_for_where_there_are_webhooks(
    api_settings: Any, serving: Any, watching: Watching, files: tuple[Path, Path]
) -> None:
    secret = SecretStr("s" * 40)
    settings = api_settings.model_copy(update={"webhook_root_secret": secret})
    with serving(settings) as (_, api):
        window = watching(api.base_url)
        window.expect("status of 422")
        page = window.open("/")
        give(page, *files)
        expect(page.locator(".compared")).to_be_visible()
        page.locator("summary", has_text="Job").click()
        page.fill("#setting-webhook", "http://plain.example/hook")
        page.click("button.main")
        error = page.locator("#setting-webhook-error")
        expect(error).to_contain_text("https")
        expect(page.locator("#setting-webhook")).to_be_focused()


def test_no_webhook_is_asked_for_where_there_are_none(window: Any) -> None:
    page = window.open("/")
    expect(page.locator("#setting-priority")).to_have_count(1)
    expect(page.locator("#setting-webhook")).to_have_count(0)
