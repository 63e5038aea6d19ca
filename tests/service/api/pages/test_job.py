"""The page of a job: it can be reloaded and shared, and mends its own connection."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Watching = Callable[..., Any]


def test_a_reload_in_mid_training_loses_nothing(worker: Any, window: Any) -> None:
    job = worker.submit()
    page = window.open(f"/jobs/{job['id']}")
    expect(page.locator(".verdict")).to_have_text("Waiting for a worker.")
    claim = worker.claim()
    worker.report(claim, *worker.points[:2])
    expect(page.locator(".verdict")).to_contain_text("step 20 of at most 40")
    page.reload()
    expect(page.locator(".verdict")).to_contain_text("step 20 of at most 40")
    expect(page.locator("#curve canvas")).to_have_count(1)
    worker.report(claim, worker.points[2])
    expect(page.locator(".verdict")).to_contain_text("step 30 of at most 40")
    worker.succeed(claim)
    expect(page.locator(".verdict")).to_contain_text("at least 0.8 apart")
    expect(page.locator("#live")).to_contain_text("The job is succeeded.")


def test_an_address_shows_the_whole_answer_to_anybody(
    api: httpx.Client, worker: Any, watching: Watching
) -> None:
    job = worker.answered(labels={"source": "before.csv", "target": "after.csv"})
    page = watching(api.base_url).open(f"/jobs/{job['id']}")
    expect(page.locator("h1")).to_have_text("before.csv and after.csv")
    expect(page.locator(".verdict")).to_have_text(
        "The distributions are at least 0.8 apart, with 95 % confidence."
    )
    expect(page.locator(".numberline")).to_contain_text("0.9 to 1.3")
    expect(page.locator("#curve canvas")).to_have_count(1)
    expect(page.locator("#histogram canvas")).to_have_count(1)
    first = page.locator("table", has_text="Share").locator("tbody tr").first
    expect(first).to_contain_text("feature 1")
    expect(first).to_contain_text("87.5 %")
    expect(first).to_contain_text("target")
    rows = page.get_by_role("region", name="Rows most typical of the source")
    expect(rows.locator("tbody td")).to_have_count(3)  # the value and both columns


def test_columns_go_by_their_names_where_the_result_has_them(
    worker: Any, window: Any
) -> None:
    apart = [{"column": "height", "kind": "number", "w1": 0.75, "p_adjusted": 0.002}]
    answer = {
        "columns": [{"name": "age", "kind": "number"}, {"name": "height"}],
        "by_column": apart,
        "metric": "Distances are in centimeters.",
        "differences": {
            "source_extremes": [{"row": 31, "value": 1.5}],
            "target_extremes": [{"row": 47, "value": -2.0}],
            "attribution": [
                {"feature": 1, "share": 0.875, "slope": -0.9, "column": "height"},
                {"feature": 0, "share": 0.125, "slope": None, "column": "age"},
            ],
            "gradient_norm": {"rows": 100, "mean": 1.0, "steep_share": 1.0},
            "histogram": {"edges": [-2, 0, 2], "source": [0, 1], "target": [1, 0]},
        },
    }
    page = window.open(f"/jobs/{worker.answered(answer=answer)['id']}")
    expect(page.locator(".answer")).to_contain_text("in centimeters")
    first = page.locator("table", has_text="By itself").locator("tbody tr").first
    expect(first).to_contain_text("height")
    expect(first).to_contain_text("0.75")


def test_what_shows_nothing_is_not_called_equal(worker: Any, window: Any) -> None:
    nothing = {"lower_bound": -0.1, "p_value": 0.4, "warnings": []}
    job = worker.answered(answer=nothing)
    page = window.open(f"/jobs/{job['id']}")
    expect(page.locator(".answer.open")).to_contain_text("do not show")
    expect(page.locator(".answer")).to_contain_text("no proof that they are equal")
    expect(page.locator(".answer")).to_contain_text(
        "A distance of 0.4 would have shown"
    )


def test_a_difference_without_a_distance_is_said_to_be_one(
    worker: Any, window: Any
) -> None:
    job = worker.answered(answer={"lower_bound": -0.1, "p_value": 0.001})
    page = window.open(f"/jobs/{job['id']}")
    expect(page.locator(".answer.differs")).to_contain_text(
        "The distributions differ (p = 0.001)"
    )
    expect(page.locator(".answer")).to_contain_text("no distance above 0 has 95 %")


def test_an_answer_from_before_has_its_curve(worker: Any, window: Any) -> None:
    worker.answered()
    again = worker.submit()
    page = window.open(f"/jobs/{again['id']}")
    expect(page.locator(".pill", has_text="answered before")).to_be_visible()
    expect(page.locator("#curve canvas")).to_have_count(1)


def test_cancelling_stops_a_job(worker: Any, window: Any) -> None:
    job = worker.submit()
    page = window.open(f"/jobs/{job['id']}")
    claim = worker.claim()
    page.click("#cancel")
    expect(page.locator("#cancel")).to_have_text("Stopping …")
    worker.stop(claim)
    expect(page.locator(".verdict")).to_contain_text("was cancelled")
    expect(page.locator("text=Run again")).to_be_visible()


def test_an_address_of_old_leads_to_the_job(worker: Any, window: Any) -> None:
    job = worker.answered()
    page = window.open(f"/#{job['id']}")
    page.wait_for_url(f"**/jobs/{job['id']}")


def test_a_job_that_is_not_there_is_told_in_words(window: Any) -> None:
    window.expect("status of 404")
    page = window.open(f"/jobs/job_{'0' * 32}")
    expect(page.locator("[role=alert]")).to_contain_text("Nothing is here")
    expect(page.locator("[role=alert]")).to_contain_text("deleted")


def test_a_lost_connection_is_told_and_mended(worker: Any, window: Any) -> None:
    window.expect("ERR_FAILED|status of 502")
    job = worker.submit()
    page = window.context.new_page()
    page.route(f"**/v1/jobs/{job['id']}/events", lambda route: route.abort())
    page.goto(f"{window.origin}/jobs/{job['id']}")
    expect(page.locator("#connection")).to_contain_text("The job goes on.")
    worker.succeed(worker.claim())
    page.unroute_all()
    page.click("text=Try now")
    expect(page.locator(".verdict")).to_contain_text("at least 0.8 apart")
    expect(page.locator("#connection")).to_be_empty()


def test_a_proxy_without_a_service_is_waited_for(worker: Any, window: Any) -> None:
    window.expect("status of 502")
    job = worker.answered()
    page = window.context.new_page()
    bad = {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"}
    page.route("**/v1/jobs/**", lambda route: route.fulfill(**bad))
    page.goto(f"{window.origin}/jobs/{job['id']}")
    expect(page.locator("#connection")).to_contain_text("HTTP 502")
    page.unroute_all()
    expect(page.locator(".verdict")).to_contain_text("at least 0.8 apart")


def test_a_refusal_is_not_repeated_for_ever(worker: Any, window: Any) -> None:
    window.expect("status of 403")
    asked = []

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=403, json={"title": "No", "detail": "not for you"})

    page = window.context.new_page()
    page.route("**/v1/jobs/**", refuse)
    page.goto(f"{window.origin}/jobs/{worker.submit()['id']}")
    expect(page.locator("[role=alert]")).to_contain_text("not for you")
    page.wait_for_timeout(1500)
    assert len(asked) == 1


def test_a_self_check_says_how_much_is_found(worker: Any, window: Any) -> None:
    checked = {"distance": 0.5, "found": 0.45, "standard_error": 0.02, "share": 0.9}
    point = {"step": 0, "train": 1.0, "validation": 0.9, "elapsed_s": 0.0}
    answer = {"self_check": checked, "stop_reason": "settled", "steps": 0}
    answer |= {"curve": [point]}
    page = window.open(f"/jobs/{worker.answered(answer=answer)['id']}")
    meanings = page.locator(".meanings")
    expect(meanings).to_contain_text("Self-check")
    expect(meanings).to_contain_text("a difference of 0.5 that was planted")
    expect(meanings).to_contain_text("no critic could change the answer")
    # One point is no curve: there is no empty chart where nothing was trained.
    expect(page.locator("#curve")).to_be_hidden()
    expect(page.locator("#histogram canvas")).to_have_count(1)
