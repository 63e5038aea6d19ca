import io
from typing import Any

import pytest
from rich.console import Console

from kantor.estimator.display.progress import progress_bar
from kantor.service.cli.following import (
    Interrupted,
    options_for,
    show_progress,
    told_of,
    told_that_nothing_is_queued,
)
from kantor.service.client import Job, KantorClient


def job(**changes: Any) -> Job:
    document = {"id": "job_1", "status": "queued", "progress": None}
    return Job(KantorClient("http://s:1"), document | {"queue_position": 0} | changes)


def test_ctrl_c_says_what_goes_on_and_what_to_do() -> None:
    with pytest.raises(Interrupted) as told, told_of(job()):
        raise KeyboardInterrupt
    text = str(told.value)
    assert "job_1 goes on" in text
    assert "kantor jobs follow job_1 --url http://s:1" in text
    assert "kantor jobs cancel job_1 --url http://s:1" in text
    assert told.value.problem["job"] == "job_1"


def test_ctrl_c_before_there_is_a_job_says_so() -> None:
    with (
        pytest.raises(Interrupted, match="nothing was queued"),
        told_that_nothing_is_queued(),
    ):
        raise KeyboardInterrupt


def test_the_usual_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options_for("http://127.0.0.1:8000/") == ""
    monkeypatch.setenv("KANTOR_URL", "http://s:1")
    assert options_for("http://s:1/") == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"queue_position": 3}, "queued, 3 ahead"),
        ({}, "queued"),
        ({"status": "running", "progress": {}}, "running"),
        (
            {"status": "running", "progress": {"step": 5, "max_steps": 9}},
            "step 5/9",
        ),
    ],
)
def test_progress_says_where_a_job_stands(changes: dict[str, Any], words: str) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with progress_bar("queued", console) as bar:
        show_progress(bar, job(**changes))
    assert words in screen.getvalue()
    assert "None" not in screen.getvalue()
