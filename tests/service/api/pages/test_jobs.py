"""The list of jobs, and jobs side by side."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Watching = Callable[..., Any]


def test_jobs_are_listed_with_their_answers(worker: Any, window: Any) -> None:
    worker.answered(seed=1, labels={"source": "monday.csv", "target": "today.csv"})
    worker.answered(seed=2, answer={"lower_bound": -1.0})
    worker.submit(seed=3)
    page = window.open("/jobs")
    rows = page.locator(".jobs tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Waiting")
    expect(rows.nth(1)).to_contain_text("no difference shown")
    expect(rows.nth(2)).to_contain_text("at least 0.8 apart")
    rows.nth(2).locator("a").click()
    page.wait_for_url("**/jobs/job_*")


def test_the_list_is_searched_and_filtered(worker: Any, window: Any) -> None:
    for seed, name in enumerate(["monday.csv", "tuesday.csv", "wednesday.csv"]):
        worker.submit(seed=seed, labels={"source": name, "run": f"r{seed}"})
    page = window.open("/jobs")
    rows = page.locator(".jobs tbody tr")
    expect(rows).to_have_count(3)
    for search in ("tuesday", "run:r1", "run: r1"):
        page.fill("#search", search)
        page.keyboard.press("Enter")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("tuesday.csv")
    page.select_option("#status", "succeeded")
    expect(page.locator(".empty")).to_have_text("No job fits.")
    page.reload()  # the address keeps what was asked for
    expect(page.locator("#status")).to_have_value("succeeded")


def test_more_jobs_come_a_page_at_a_time(worker: Any, window: Any) -> None:
    for seed in range(30):
        worker.submit(seed=seed)
    page = window.open("/jobs")
    rows = page.locator(".jobs tbody tr")
    expect(rows).to_have_count(25)
    page.click("#more")
    expect(rows).to_have_count(30)
    expect(page.locator("#more")).to_have_count(0)


def test_jobs_are_compared_side_by_side(worker: Any, window: Any) -> None:
    worker.answered(seed=1)
    worker.answered(seed=2, answer={"estimate": 2.0, "lower_bound": 1.75})
    page = window.open("/jobs")
    for box in page.locator(".jobs input").all():
        box.check()
    page.click("#compare")
    expect(page.locator(".numberline")).to_have_count(2)
    numbers = page.locator(".beside").first
    expect(numbers.locator("tr", has_text="Lower bound")).to_contain_text("1.75")
    expect(numbers.locator("tr", has_text="Lower bound")).to_contain_text("0.8")
    expect(page.locator(".beside").nth(1)).to_contain_text("Seed")


def test_an_axis_of_time_has_room_for_one_batch_alone(window: Any) -> None:
    charts = "import('/static/page/charts.js')"
    around = f"([a, b]) => {charts}.then(({{ timesAround }}) => timesAround(a, b))"
    page = window.open("/jobs")
    assert page.evaluate(around, [5000, 5000]) == [3200, 6800]
    assert page.evaluate(around, [0, 100_000]) == [-4000, 104_000]


def test_a_value_is_rounded_to_its_error(window: Any) -> None:
    words = "import('/static/page/words.js')"
    told = f"([a, b]) => {words}.then(({{ withError }}) => withError(a, b))"
    page = window.open("/jobs")
    for value, error, text in (
        (23.7182, 0.3471, "23.72 ± 0.35"),
        (-0.91, 0.5514, "−0.91 ± 0.55"),
        (1234.5, 12.3, "1,235 ± 12"),
        (1234.5, 123.0, "1,235 ± 123"),
        (3.0, 0.0, "3 ± 0"),
    ):
        assert page.evaluate(told, [value, error]) == text


def test_a_picture_that_is_alone_takes_the_whole_width(
    worker: Any, window: Any
) -> None:
    job = worker.answered(answer={"curve": worker.points[:1]})
    page = window.open(f"/jobs/{job['id']}")
    expect(page.locator("#curve")).to_be_hidden()
    whole, picture = (
        page.locator(".halves").first,
        page.locator(".card:has(#histogram)"),
    )
    boxes = [found.bounding_box() for found in (whole, picture)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["width"] == boxes[1]["width"]


def test_a_reference_is_seen_over_time(worker: Any, window: Any) -> None:
    job = worker.answered(seed=1, labels={"target": "monday.csv"})
    worker.answered(seed=2, labels={"target": "today.csv"}, answer={"lower_bound": -1})
    page = window.open(f"/jobs/{job['id']}")
    page.click("text=Over time")
    expect(page.locator("#history canvas")).to_have_count(1)
    rows = page.get_by_role("region", name="Batches").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("today.csv")
    expect(rows.first).to_contain_text("nothing shown")
    expect(rows.last).to_contain_text("0.8")
