"""The portfolio: who competes, by what was asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from kantor.estimator.critics import TRAINED
from kantor.estimator.training.portfolio import (
    leaders_of,
    leading_teams,
    scores_of,
)


def test_all_trained_families_compete(setting: Callable[..., Any]) -> None:
    found = setting().start().portfolio
    families = dict.fromkeys(name.split(":")[0] for name in found)
    assert list(families) == [family.name for family in TRAINED]


@pytest.mark.parametrize("family", TRAINED, ids=lambda family: family.name)
def test_one_family_may_run_alone(family: Any, setting: Callable[..., Any]) -> None:
    teams = setting(critic=family.name).start().portfolio
    assert {name.split(":")[0] for name in teams} == {family.name}


@pytest.mark.parametrize("folds", [1, 3])
def test_every_candidate_has_a_place_on_every_fold(
    folds: int, setting: Callable[..., Any]
) -> None:
    portfolio = setting(folds=folds).start().portfolio
    for team in portfolio.values():
        candidates = len(team.places) // folds
        expected = [(f, j) for f in range(folds) for j in range(candidates)]
        assert list(team.places) == expected
        assert team.effective().n_critics == len(expected)


def test_nobody_has_a_score_before_the_first_report(
    setting: Callable[..., Any],
) -> None:
    scores = scores_of(setting(folds=2).start().portfolio)
    assert set(scores.values()) == {-float("inf")}
    assert [fold for _, (fold, _) in leaders_of(scores)] == [0, 1]


def test_a_leading_team_is_one_critic_of_its_fold(
    setting: Callable[..., Any],
) -> None:
    portfolio = setting(folds=3).start().portfolio
    leading = list(leading_teams(portfolio))
    assert [fold for fold, _, _ in leading] == [0, 1, 2]
    for fold, name, team in leading:
        assert name in portfolio
        assert team.folds == [fold]
        assert team.effective().n_critics == 1
