"""What the commands that look after a service print, and how they end."""

import sys
from typing import Any

import pytest

from kantor.service.cli.app import main
from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings, environment


@pytest.fixture(autouse=True)
def variables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["kantor", *arguments])
    with pytest.raises(SystemExit) as exit_of:
        main()
    return int(exit_of.value.code or 0)


def test_a_drain_says_what_runs_and_is_ended(
    board: Any,
    client: Any,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    board.enqueue()
    LeaseQueue(client, settings, "w").claim()
    assert run(monkeypatch, "drain", "--timeout", "0") == 1
    assert "no new jobs; 1 run still" in capsys.readouterr().out
    assert run(monkeypatch, "drain", "--no-wait") == 0
    assert run(monkeypatch, "drain", "--off") == 0
    assert "drained still: none" in capsys.readouterr().out


def test_what_would_be_removed_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "gc", "--dry-run") == 0
    assert "0 datasets, 0 results and critics" in capsys.readouterr().out


def test_a_queue_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KANTOR_REDIS_URL", "redis://127.0.0.1:1")
    assert run(monkeypatch, "gc") == 1
    assert capsys.readouterr().err.startswith("error: ")
