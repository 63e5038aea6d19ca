import time

import pytest
from structlog.testing import capture_logs

from kantor.service.processes import children
from kantor.service.processes.children import Child, end_all


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "FIRST_DELAY_S", 0.05)


@pytest.mark.usefixtures("impatient")
def test_a_child_that_ends_is_started_again() -> None:
    child = Child("no-such-command", {})
    deadline = time.monotonic() + 30
    while child.failures < 2 and time.monotonic() < deadline:
        child.keep_running()
        time.sleep(0.02)
    end_all([child], 5.0)
    assert child.failures == 2


def test_it_waits_twice_as_long_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "FIRST_DELAY_S", 0.1)
    monkeypatch.setattr(children, "LONGEST_DELAY_S", 0.3)
    monkeypatch.setattr(children, "tethered", lambda command: ["false"])
    child, began = Child("worker", {}), time.monotonic()
    with capture_logs() as logs:
        while child.failures < 4:
            child.keep_running()
            time.sleep(0.01)
    told = [line["restart_in_s"] for line in logs if line["event"] == "child_ended"]
    assert told == [0.1, 0.2, 0.3, 0.3]
    assert time.monotonic() - began > sum(told[:3])


def test_ending_what_never_started_is_harmless() -> None:
    end_all([Child("api", {})], 1.0)
