"""Packs: who takes steps with whom, who is waited for, whom a stop or error meets."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import torch.distributed as dist

from kantor.estimator import EstimationStopped, pack
from kantor.estimator.pack import leave, side_by_side, take

PATIENCE_S = 20.0


@dataclass(eq=False)
class Steps:
    """A window of a training that only has a name."""

    name: str
    position: int = 0
    should_stop: Callable[[], bool] = lambda: False
    outcome: "Future[str]" = field(default_factory=Future)


@dataclass
class Rounds:
    """Takes steps, and notes whose they were."""

    names: list[list[str]] = field(default_factory=list)

    def __call__(self, windows: Sequence[Steps]) -> None:
        self.names.append([window.name for window in windows])
        for window in windows:
            window.outcome.set_result(window.name)

    def training(self, name: str, positions: Sequence[int]) -> Callable[[], str]:
        """Return a task that wants steps at these positions, and then leaves."""

        def task() -> str:
            for position in positions:
                assert taken(Steps(name, position), self) == name
            leave()
            return name

        return task


def taken(window: Steps, taking: Callable[[Sequence[Steps]], None]) -> str:
    take(window, taking)
    return window.outcome.result()


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


def test_a_window_outside_of_packs_is_taken_alone(rounds: Rounds) -> None:
    rounds.training("alone", [0, 1])()
    assert rounds.names == [["alone"], ["alone"]]


def test_one_by_itself_is_carried_out_in_this_thread() -> None:
    [found] = side_by_side([threading.current_thread])
    assert found.result() is threading.current_thread()


def test_one_by_itself_fails_as_one_of_several_does() -> None:
    def fails() -> None:
        raise ValueError("bad samples")

    [found] = side_by_side([fails])
    assert isinstance(found.exception(), ValueError)


def test_members_take_their_steps_together(rounds: Rounds) -> None:
    tasks = [rounds.training(name, [0, 25]) for name in "abc"]
    assert [found.result() for found in side_by_side(tasks)] == ["a", "b", "c"]
    assert rounds.names == [["a", "b", "c"]] * 2


def test_those_furthest_behind_go_first(rounds: Rounds) -> None:
    side_by_side(
        [
            rounds.training("looks", [-1, 0, 25]),
            rounds.training("does not", [0, 25]),
            rounds.training("goes on", [25]),
        ]
    )
    assert rounds.names == [
        ["looks"],
        ["looks", "does not"],
        ["looks", "does not", "goes on"],
    ]


def test_nobody_waits_for_who_has_left(rounds: Rounds) -> None:
    other_is_done = threading.Event()

    def evaluates() -> bool:
        leave()
        return other_is_done.wait(PATIENCE_S)

    def trains() -> None:
        rounds.training("trains", [0, 25])()
        other_is_done.set()

    evaluated, _ = side_by_side([evaluates, trains])
    assert evaluated.result()


def test_who_has_left_takes_further_steps_alone(rounds: Rounds) -> None:
    def trains_again() -> None:
        rounds.training("first", [0])()
        rounds.training("again", [0])()

    side_by_side([trains_again, rounds.training("other", [0])])
    assert ["again"] in rounds.names


def test_an_error_leaves_the_others_alone(rounds: Rounds) -> None:
    def fails() -> None:
        raise ValueError("bad samples")

    failed, found = side_by_side([fails, rounds.training("good", [0, 25])])
    assert found.result() == "good"
    with pytest.raises(ValueError, match="bad samples"):
        failed.result()


def test_one_that_fails_before_its_first_step_holds_nobody_up(rounds: Rounds) -> None:
    has_failed = threading.Event()

    def fails() -> None:
        has_failed.set()
        raise ValueError("bad samples")

    def trains() -> str:
        assert has_failed.wait(PATIENCE_S)
        return rounds.training("good", [0, 25])()

    tasks: list[Callable[[], object]] = [trains, fails]
    found, failed = side_by_side(tasks)
    assert found.result() == "good"
    assert isinstance(failed.exception(), ValueError)


def test_one_that_hangs_is_waited_for_in_vain_only_once(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "PATIENCE_S", 0.2)
    others_are_done = threading.Barrier(3)

    def hangs() -> str:
        others_are_done.wait(PATIENCE_S)
        return rounds.training("late", [0, 25])()

    def trains(name: str) -> str:
        rounds.training(name, [0, 25, 50])()
        others_are_done.wait(PATIENCE_S)
        return name

    tasks: list[Callable[[], str]] = [hangs, partial(trains, "a"), partial(trains, "b")]
    side_by_side(tasks)
    assert rounds.names == [["a", "b"]] * 3 + [["late"]] * 2


def test_one_that_comes_late_is_caught_up_with(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "PATIENCE_S", 1.0)
    others_have_begun, waits = threading.Event(), threading.Event()

    def is_asked() -> bool:
        waits.set()
        return False

    def is_late() -> str:
        assert others_have_begun.wait(PATIENCE_S)
        take(Steps("late", 0, should_stop=is_asked), rounds)
        return rounds.training("late", [25])()

    def trains() -> str:
        take(Steps("trains", 0), rounds)
        others_have_begun.set()
        assert waits.wait(PATIENCE_S)
        return rounds.training("trains", [25])()

    tasks: list[Callable[[], str]] = [is_late, trains]
    side_by_side(tasks)
    assert rounds.names == [["trains"], ["late"], ["late", "trains"]]


def test_a_process_that_trains_with_others_has_no_packs(
    rounds: Rounds, tmp_path: Path
) -> None:
    meeting = f"file://{tmp_path / 'meeting'}"
    dist.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    try:
        with pytest.raises(RuntimeError, match="expected a process by itself"):
            side_by_side([rounds.training(name, [0]) for name in "ab"])
    finally:
        dist.destroy_process_group()


def test_of_no_tasks_comes_nothing() -> None:
    assert side_by_side([]) == []


def test_who_waits_for_the_others_can_be_stopped(rounds: Rounds) -> None:
    has_stopped, asked = threading.Event(), iter([False, True])

    def stops() -> None:
        try:
            take(Steps("stops", should_stop=lambda: next(asked)), rounds)
        finally:
            has_stopped.set()

    def is_slow() -> str:
        assert has_stopped.wait(PATIENCE_S)
        return rounds.training("slow", [0])()

    stopped, found = side_by_side([stops, is_slow])
    assert isinstance(stopped.exception(), EstimationStopped)
    assert found.result() == "slow"
    assert rounds.names == [["slow"]]


def test_members_stop_when_nobody_leads_them_any_more() -> None:
    stopped: list[str] = []

    def interrupted(windows: Sequence[Steps]) -> None:
        raise KeyboardInterrupt

    def trains() -> None:
        for position in range(2):
            window = Steps("trains", position)
            with pytest.raises(EstimationStopped):
                taken(window, interrupted)
            stopped.append("trains")

    with pytest.raises(KeyboardInterrupt):
        side_by_side([trains, trains])
    assert stopped == ["trains"] * 4
