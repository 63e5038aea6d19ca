import pytest

from kantor.service.queue import JobEvent
from tests.hosts.report import Report


def judged(*types: str, commits: int = 1) -> Report:
    report = Report("cut off", jobs=1, refused=1, returned_s=1.0)
    report.commits["second"] = 1
    events = [JobEvent(f"{i}-0", kind, float(i), {}) for i, kind in enumerate(types)]
    report.judge("job_a", events, commits=commits)
    return report


def test_a_job_that_was_taken_and_ended_once_is_clean() -> None:
    report = judged("queued", "running", "requeued", "running", "succeeded")
    assert report.is_clean
    assert (report.retaken, report.taken_up_s) == (1, 3.0)


@pytest.mark.parametrize("ends", [["failed"], []])
def test_a_job_that_does_not_succeed_is_lost(ends: list[str]) -> None:
    report = judged("queued", "running", "requeued", "running", *ends)
    assert report.lost == ["job_a"]
    assert not report.is_clean


def test_two_ends_are_seen() -> None:
    report = judged("queued", "running", "requeued", "running", *["succeeded"] * 2)
    assert report.doubled == ["job_a"]
    assert not report.is_clean


def test_two_believed_commits_are_seen() -> None:
    report = judged("queued", "requeued", "running", "succeeded", commits=2)
    assert report.doubled == ["job_a"]


def test_nothing_taken_from_the_host_shows_nothing() -> None:
    assert not judged("queued", "running", "succeeded").is_clean
