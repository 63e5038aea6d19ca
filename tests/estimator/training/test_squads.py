"""Squads: teams of one shape go as one, and come back as what they are alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from kantor.estimator.training import steps
from kantor.estimator.training.squads import Squad, squads_of
from kantor.estimator.training.steps import Window, take_all
from kantor.estimator.training.team import Team
from tests.estimator.training.conftest import Setting

Found = Callable[..., Setting]


def squads(settings: list[Setting]) -> list[Squad]:
    batches = [(s.data.source.batch(0), s.data.target.batch(0)) for s in settings]
    return squads_of([s.start().portfolio for s in settings], batches)


def window(setting: Setting, count: int = 5, **options: Any) -> Window:
    state = setting.start()
    return Window(
        state.portfolio,
        setting.data,
        options.get("schedule", state.schedule),
        step=0,
        count=count,
        should_stop=options.get("should_stop", lambda: False),
        position=0,
    )


def tensors(team: Team) -> tuple[Tensor, ...]:
    return (*team.parameters.tensors(), *team.memory)


def assert_same_steps(found: Window, alone: Window) -> None:
    taken, expected = found.outcome.result(), alone.outcome.result()
    assert list(taken.portfolio) == list(expected.portfolio)
    for name, team in taken.portfolio.items():
        assert team.places == expected.portfolio[name].places
        pairs = zip(tensors(team), tensors(expected.portfolio[name]), strict=True)
        # Sums in another order round otherwise, by 1e-7 a step.
        assert all(torch.allclose(*pair, atol=1e-4) for pair in pairs)
        objectives = taken.objectives[name], expected.objectives[name]
        assert torch.allclose(*objectives, atol=1e-4)


def test_one_job_s_teams_are_squads_as_they_are(setting: Found) -> None:
    alone = setting()
    portfolio = alone.start().portfolio
    assert [squad.parts[0].name for squad in squads([alone])] == list(portfolio)
    assert all(squad.team is squad.parts[0].team for squad in squads([alone]))


def test_teams_of_one_shape_are_one_squad(setting: Found) -> None:
    jobs = [setting(seed=seed, folds=folds) for seed, folds in ((0, 1), (1, 2), (2, 1))]
    found = squads(jobs)
    assert len(found) == len(jobs[0].start().portfolio)
    for squad in found:
        assert [part.job for part in squad.parts] == [0, 1, 2]
        assert {fold for fold, _ in squad.team.places} == {0, 1, 2, 3}
        every = [k for part in squad.parts for k in part.members]
        assert sorted(every) == [*range(len(squad.team.places))]


@pytest.mark.parametrize(
    "other", [{"width": 8}, {"optimizer": "adam"}, {"norm": "linf"}, {"batch_size": 9}]
)
def test_teams_of_other_shapes_or_methods_go_alone(
    setting: Found, other: dict[str, Any]
) -> None:
    found = squads([setting(critic="network"), setting(critic="network", **other)])
    assert len(found) == 2


def test_equal_activations_stand_together(setting: Found) -> None:
    [squad] = squads([setting(critic="network", seed=seed) for seed in range(3)])
    candidates = [candidate for _, candidate in squad.team.places]
    assert candidates == sorted(candidates)


def test_members_move_as_they_do_alone_each_at_its_pace(setting: Found) -> None:
    jobs = [setting(seed=0), setting(seed=1, folds=2)]
    slow = replace(jobs[0].start().schedule, descent_start=0)
    paces: list[dict[str, Any]] = [{"schedule": slow}, {}]
    together = [window(job, **p) for job, p in zip(jobs, paces, strict=True)]
    take_all(together)
    for found, job, pace in zip(together, jobs, paces, strict=True):
        alone = window(job, **pace)
        take_all([alone])
        assert_same_steps(found, alone)


def test_one_that_is_not_finite_harms_nobody(setting: Found) -> None:
    bad, good = window(setting(seed=0)), window(setting(seed=1))
    for team in bad.portfolio.values():
        for tensor in team.parameters.tensors():
            tensor.fill_(torch.nan)
    take_all([bad, good])
    alone = window(setting(seed=1))
    take_all([alone])
    assert_same_steps(good, alone)


def test_what_fails_together_is_tried_alone(
    setting: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_for_many(team: Team, *rest: Any, **options: Any) -> Any:
        if len(team.places) > 2 or not team.rates[0]:
            raise RuntimeError("out of memory")
        return take_one(team, *rest, **options)

    take_one = steps.team_step
    monkeypatch.setattr(steps, "team_step", fails_for_many)
    windows = [window(setting(critic="network", seed=seed)) for seed in range(3)]
    windows[1].portfolio["network"].rates.zero_()
    take_all(windows)
    assert [type(w.outcome.exception()) for w in windows] == [
        type(None),
        RuntimeError,
        type(None),
    ]


def test_who_stops_is_told_before_the_others_go_on(setting: Found) -> None:
    told: list[bool] = []
    stopping = window(setting(seed=0), should_stop=lambda: True)

    def goes_on() -> bool:
        told.append(stopping.outcome.done())
        return False

    other = window(setting(seed=1), should_stop=goes_on)
    take_all([stopping, other])
    assert told == [True] * other.count
    assert other.outcome.exception() is None
