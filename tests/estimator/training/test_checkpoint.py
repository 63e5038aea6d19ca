"""Checkpoints: bytes that hold a training state whole, for one problem alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load

from kantor.estimator import InvalidInput
from kantor.estimator.training import checkpoint
from kantor.estimator.training.loop import TrainingState, train


def reached(found: Any, steps: int = 50) -> TrainingState:
    state, _ = train(
        replace(
            found.start(), schedule=replace(found.start().schedule, max_steps=steps)
        ),
        found.data,
        found.bars,
        on_progress=lambda progress: None,
        should_stop=lambda: False,
        checkpoint=lambda state: b"",
    )
    return state


@pytest.mark.parametrize("settings", [{}, {"folds": 2}, {"optimizer": "adam"}])
def test_a_state_survives_its_bytes(
    settings: dict[str, Any], setting: Callable[..., Any]
) -> None:
    found = setting(**settings)
    state = reached(found)
    again = checkpoint.from_bytes(
        checkpoint.to_bytes(state, "print"), found.start(), "print"
    )
    assert (again.step, again.schedule) == (state.step, state.schedule)
    assert (again.curve, again.elapsed_s) == (state.curve, state.elapsed_s)
    assert set(again.portfolio) == set(state.portfolio)
    for name, team in state.portfolio.items():
        other = again.portfolio[name]
        assert other.places == team.places
        assert torch.equal(other.rates, team.rates)
        groups = checkpoint.groups_of(team), checkpoint.groups_of(other)
        for kind, tensors in groups[0].items():
            for one, two in zip(tensors, groups[1][kind], strict=True):
                assert torch.equal(one, two)


def test_who_left_the_race_stays_out(setting: Callable[..., Any]) -> None:
    found = setting()
    state = reached(found)
    places = sum(len(team.places) for team in state.portfolio.values())
    assert places == 1  # the descent is for the leader alone
    again = checkpoint.from_bytes(
        checkpoint.to_bytes(state, "print"), found.start(), "print"
    )
    assert sum(len(team.places) for team in again.portfolio.values()) == 1


def test_another_problem_is_refused(setting: Callable[..., Any]) -> None:
    found = setting()
    document = checkpoint.to_bytes(found.start(), "one")
    with pytest.raises(InvalidInput, match="same samples and settings") as refused:
        checkpoint.from_bytes(document, found.start(), "other")
    assert refused.value.field == "resume_from"


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_bytes_that_are_no_checkpoint_are_refused(
    cut: int, setting: Callable[..., Any]
) -> None:
    found = setting()
    document = checkpoint.to_bytes(found.start(), "print")[:cut]
    with pytest.raises(InvalidInput, match="expected a checkpoint"):
        checkpoint.from_bytes(document, found.start(), "print")


def test_the_bytes_are_safetensors(setting: Callable[..., Any]) -> None:
    tensors = load(checkpoint.to_bytes(setting().start(), "print"))
    teams = {"network", "cones", "projection:1"}
    assert {name.split(".")[0] for name in tensors} == {*teams, "numbers"}
