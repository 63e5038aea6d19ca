"""The race of candidates: those that fall behind leave, the best goes on alone.

Candidates cost as much as they compute, so the longer training lasts the closer one has
to be to the best validation objective to stay; in the descent only the best is left.
Each fold runs a race of its own: a rank in other folds would tell of its test samples.
"""

from kantor.estimator.training.portfolio import (
    Portfolio,
    Runner,
    leaders_of,
    scores_of,
)
from kantor.estimator.training.schedule import Schedule

HURDLES = ((0.5, 0.95), (0.25, 0.85), (0.125, 0.6))
"""After this share of the steps, a candidate needs this share of the best score."""


def after_race(portfolio: Portfolio, schedule: Schedule, step: int) -> Portfolio:
    """Return the teams with those that stay in the race at a step."""
    scores = scores_of(portfolio)
    staying = staying_runners(scores, schedule, step)
    kept: Portfolio = {}
    for name, team in portfolio.items():
        places = [place for place in team.places if (name, place) in staying]
        if len(places) == len(team.places):
            kept[name] = team
        elif places:
            kept[name] = team.keep(places)
    return kept


def staying_runners(
    scores: dict[Runner, float], schedule: Schedule, step: int
) -> set[Runner]:
    """Return who stays, given everybody's scores."""
    leaders = leaders_of(scores)
    if schedule.descent_start is not None:
        return set(leaders)
    share = needed_share(schedule, step)
    if share is None:
        return set(scores)
    return {
        runner
        for leader in leaders
        for runner in scores
        if runner[1][0] == leader[1][0]
        and scores[runner] >= scores[leader] - (1.0 - share) * abs(scores[leader])
    }


def needed_share(schedule: Schedule, step: int) -> float | None:
    """Return which share of the best score is needed; None before any hurdle."""
    done = step / schedule.max_steps
    return next((share for after, share in HURDLES if done >= after), None)
