import io

import pytest
from rich.console import Console

from kantor.estimator.display.progress import Pace, progress_bar


def pace_at(*times: float) -> Pace:
    clock = iter(times)
    return Pace(clock=lambda: next(clock))


def test_a_pace_counts_from_the_first_step_that_was_seen() -> None:
    pace = pace_at(10.0, 12.0)  # a job that is followed late
    assert pace.words(500, 1000) == "starting"
    assert pace.words(600, 1000) == "50 steps/s, at most 8 s left"


def test_a_job_that_begins_again_is_timed_anew() -> None:
    pace = pace_at(0.0, 1.0, 2.0, 3.0)
    assert [pace.words(step, 100) for step in (0, 50, 0, 10)] == [
        "starting",
        "50 steps/s, at most 1 s left",
        "starting",
        "10 steps/s, at most 9 s left",
    ]


@pytest.mark.parametrize("step", [100, 110])
def test_the_last_step_is_not_the_end(step: int) -> None:
    pace = pace_at(0.0, 1.0)
    pace.words(0, 100)
    assert pace.words(step, 100).endswith("steps/s, evaluating")


def test_a_clock_that_stands_still_gives_no_rate() -> None:
    pace = pace_at(1.0, 1.0)
    assert [pace.words(step, 10) for step in (0, 5)] == ["starting", "starting"]


def test_a_bar_never_says_none() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with progress_bar("queued", console) as bar:
        bar.say("queued, 3 ahead")
        bar.update(0, 10, None)
        bar.update(5, 10, 0.25)
    assert "None" not in screen.getvalue()
    assert "step 5/10" in screen.getvalue()
    assert "validation 0.25" in screen.getvalue()
