"""Trials run once: what has an outcome is read, not run again."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.running import (
    Task,
    is_done,
    outcomes,
    perform,
    processor_s,
    run_all,
)
from benchmarks.paper.trials import Outcome, Trial


def counted(log: str, value: float) -> Outcome:
    """Leave a mark for each run."""
    with Path(log).open("a") as file:
        file.write("x")
    return Outcome({"value": value}, {"squares": np.arange(3) ** 2})


def failing() -> Outcome:
    raise ValueError("expected rain, received sun")


def task(folder: Path, value: float = 1.0) -> Task:
    arguments = {"log": str(folder / "log"), "value": value}
    return Task("some", Trial("one", counted, arguments), folder / "some" / "one.json")


def runs(folder: Path) -> int:
    return len((folder / "log").read_text())


def test_an_outcome_that_is_there_is_not_found_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert run_all([task(tmp_path)], jobs=1)
    assert runs(tmp_path) == 1


def test_other_arguments_are_another_trial(tmp_path: Path) -> None:
    perform(task(tmp_path, 1.0))
    assert not is_done(task(tmp_path, 2.0))
    assert is_done(task(tmp_path, 1.0))


def test_an_outcome_that_was_cut_off_is_not_there(tmp_path: Path) -> None:
    perform(task(tmp_path))
    path = task(tmp_path).path
    path.rename(path.with_suffix(".part"))
    assert not is_done(task(tmp_path))


def test_outcomes_are_read_as_they_were_found(tmp_path: Path) -> None:
    perform(task(tmp_path, 2.5))
    found = outcomes([task(tmp_path, 2.5)])["one"]
    assert found.figures == {"value": 2.5}
    assert found.arrays["squares"].tolist() == [0, 1, 4]
    assert processor_s([task(tmp_path, 2.5)]) >= 0.0


def test_one_failure_does_not_keep_the_others_from_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Task("some", Trial("two", failing, {}), tmp_path / "two.json")
    assert not run_all([broken, task(tmp_path)], jobs=2)
    assert is_done(task(tmp_path))
    assert not is_done(broken)
    assert "expected rain, received sun" in capsys.readouterr().err
