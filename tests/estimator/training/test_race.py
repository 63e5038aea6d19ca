"""The race: losers leave at hurdles, fold by fold; the descent is for leaders."""

from dataclasses import replace

import pytest
import torch

from kantor.estimator.critics import Start
from kantor.estimator.training.race import HURDLES, Bar, after_race, needed_share
from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.team import Place, Team, initial_team
from kantor.models.cones import initial_cones
from kantor.models.constraints import Free
from kantor.models.methods import Method
from kantor.models.optimizers import Adam

RUNNING, DESCENT = Schedule(1000), Schedule(1000, descent_start=500)
LATEST, EARLIEST = HURDLES[0], HURDLES[-1]
NO_BAR = Bar(score=-float("inf"), noise=0.0)


def team(scores: list[float]) -> Team:
    """Return two candidates with these scores, fold by fold."""
    folds = len(scores) // 2
    cones = initial_cones(torch.zeros(2 * folds, 1, 2), signs=(-1, 1) * folds)
    start = initial_team(
        Start(cones, Method(Free(), Adam()), rates=(0.1, 0.2), batch_size=8),
        folds=folds,
    )
    return replace(start, best_validation=torch.tensor(scores))


def left(
    scores: list[list[float]], schedule: Schedule, step: int, bar: Bar = NO_BAR
) -> list[list[Place]]:
    """Return who is left of teams with these scores, where promises are infinite."""
    portfolio = {str(i): team(s) for i, s in enumerate(scores)}
    bars = [bar] * (len(scores[0]) // 2)
    kept = after_race(portfolio, schedule, step, bars)
    return [[*kept[n].places] if n in kept else [] for n in portfolio]


def test_nobody_leaves_before_the_first_hurdle() -> None:
    step = int(1000 * EARLIEST[0]) - 1
    assert left([[1.0, -9.0]], RUNNING, step) == [[(0, 0), (0, 1)]]


@pytest.mark.parametrize(("after", "share"), HURDLES)
def test_who_falls_short_at_a_hurdle_leaves(after: float, share: float) -> None:
    step = int(1000 * after)
    assert left([[1.0, share - 0.01]], RUNNING, step) == [[(0, 0)]]
    assert left([[1.0, share + 0.01]], RUNNING, step) == [[(0, 0), (0, 1)]]


def test_hurdles_rise() -> None:
    shares = [needed_share(RUNNING, step) or 0.0 for step in range(0, 1001, 25)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0


def test_the_best_of_all_teams_sets_the_hurdle() -> None:
    found = left([[0.1, 0.2], [1.0, 0.3]], RUNNING, 900)
    assert found == [[], [(0, 0)]]


def test_each_fold_runs_its_own_race() -> None:
    found = left([[1.0, 0.1, 0.1, 1.0]], RUNNING, 900)
    assert found == [[(0, 0), (1, 1)]]


def test_another_folds_scores_change_nothing() -> None:
    one = left([[1.0, 0.9, 5.0, 0.1]], RUNNING, int(1000 * LATEST[0]) - 1)
    other = left([[1.0, 0.9, 0.1, 5.0]], RUNNING, int(1000 * LATEST[0]) - 1)
    assert [m for m in one[0] if m[0] == 0] == [m for m in other[0] if m[0] == 0]


def test_leaders_are_alone_in_the_descent() -> None:
    found = left([[0.99, 1.0, 0.99, 0.98], [0.98, 0.97, 1.0, 0.5]], DESCENT, 600)
    assert found == [[(0, 1)], [(1, 0)]]


@pytest.mark.parametrize("score", [0.0, -float("inf")])
@pytest.mark.parametrize("step", [25, 500, 999])
def test_equals_stay_together(score: float, step: int) -> None:
    assert left([[score, score]], RUNNING, step) == [[(0, 0), (0, 1)]]


def test_a_negative_leader_keeps_who_is_near() -> None:
    assert left([[-1.0, -1.04]], RUNNING, 900) == [[(0, 0), (0, 1)]]
    assert left([[-1.0, -1.5]], RUNNING, 900) == [[(0, 0)]]


def test_what_was_fitted_at_once_sets_a_hurdle_too() -> None:
    bar = Bar(score=2.0, noise=0.1)
    assert left([[1.0, 1.95]], RUNNING, 900, bar) == [[(0, 1)]]


def seasoned(before: list[float], now: list[float]) -> Team:
    """Return a team that scored like this at half the steps, and now."""
    history = torch.tensor([before, now]).mT
    return replace(team(now), history=history)


def raced(before: list[float], now: list[float], bar: Bar) -> dict[str, Team]:
    portfolio = {"cones": seasoned(before, now)}
    return after_race(portfolio, Schedule(800), 50, [bar])


def test_who_can_pass_the_bar_at_its_pace_goes_on() -> None:
    # Four doublings are left of 50 to 800 steps: 1.0 + 4 * 0.2 > 1.5 + 0.05.
    kept = raced([0.8, 1.0], [1.0, 1.0], Bar(score=1.5, noise=0.05))["cones"]
    assert kept.places == ((0, 0),)
    assert not kept.rests


def test_two_that_are_alike_but_for_noise_go_on_and_descend() -> None:
    kept = raced([2.0, 1.99], [2.0, 1.99], Bar(score=1.0, noise=0.1))
    assert kept["cones"].places == ((0, 0), (0, 1))
    close = [[0.99, 1.0, 0.97, 0.2]]
    found = left(close, DESCENT, 600, Bar(score=0.0, noise=0.05))
    assert found == [[(0, 0), (0, 1), (1, 0)]]


def test_who_can_not_leaves() -> None:
    assert raced([0.9, 1.0], [1.0, 1.0], Bar(score=1.5, noise=0.05)) == {}


def test_a_leader_no_better_than_the_bar_rests_as_it_is() -> None:
    kept = raced([0.99, 1.545], [1.0, 1.55], Bar(score=1.5, noise=0.1))["cones"]
    assert kept.places == ((0, 1),)
    assert kept.rests
    assert float(kept.best_validation) == pytest.approx(1.55)


def test_a_leader_clearly_above_the_bar_moves_on_without_gain() -> None:
    kept = raced([0.99, 2.0], [1.0, 2.0], Bar(score=1.5, noise=0.1))["cones"]
    assert kept.places == ((0, 1),)
    assert not kept.rests


def test_nobody_is_given_up_early_beside_a_bar_that_is_noise() -> None:
    kept = raced([0.9, 1.0], [0.95, 1.0], Bar(score=1.5, noise=0.5))["cones"]
    assert kept.places == ((0, 0), (0, 1))
    assert not kept.rests


@pytest.mark.parametrize(("step", "most"), [(25, 10), (75, 6), (175, 3)])
def test_only_so_many_go_on(step: int, most: int) -> None:
    scores = [[1.0, 1.0] for _ in range(10)]
    kept = left(scores, Schedule(10_000), step)
    assert sum(map(len, kept)) == most


def test_candidates_have_twice_the_time_while_nothing_is_clear() -> None:
    after, share = HURDLES[0]
    behind = [[1.0, share - 0.2]]  # by more than the noise
    unclear, clear = Bar(-float("inf"), noise=0.15), Bar(-float("inf"), noise=0.05)
    step = int(1000 * after)
    assert left(behind, RUNNING, step, unclear) == [[(0, 0), (0, 1)]]
    assert left(behind, RUNNING, step, clear) == [[(0, 0)]]
    assert left(behind, RUNNING, 2 * step - 1, unclear) == [[(0, 0), (0, 1)]]
