"""The race of candidates: who falls behind leaves, who can gain no more rests.

Candidates cost as much as they compute, so the longer training lasts the closer one has
to be to the best validation objective to stay; in the descent two are left at most.
What was fitted at once sets a bar from the start. Nobody goes on who could change the
answer, at the pace of the last doubling of steps, by less than its own noise: others
leave then, a leader that is no better than the bar rests, and where nobody is left to
hope the descent begins. Each fold runs a race of its own: a rank in other folds would
tell of its test samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kantor.estimator.training.portfolio import Portfolio, Runner, scores_of
from kantor.estimator.training.schedule import Schedule

HURDLES = ((0.5, 0.95), (0.25, 0.85), (0.125, 0.6))
"""After this share of the steps, a candidate needs this share of the best score."""

CLEAR, PATIENCE = 10.0, 150
"""Standard errors that make a clear bar, and steps to wait where it is not."""

MOST_RUNNERS = ((175, 3), (75, 6), (25, 10))
"""After so many steps, so many of a fold's candidates are left at most."""


MOST_LEADERS = 2
"""Candidates that go on whatever they promise, and take part in the descent."""


@dataclass(frozen=True)
class Bar:
    """What a fold's candidates have to pass.

    Attributes:
        score: Best validation objective of what was fitted at once.
        noise: Standard error that an estimate from the fold's test samples has.
    """

    score: float
    noise: float

    @property
    def patience(self) -> int:
        """Steps before anybody is given up for what it promises.

        Where what was fitted at once found nothing clear, what there is may be hidden,
        and critics that find it start slowly.
        """
        return 0 if self.score > CLEAR * self.noise else PATIENCE


def after_race(
    portfolio: Portfolio, schedule: Schedule, step: int, bars: Sequence[Bar]
) -> Portfolio:
    """Return the teams with those that stay in the race at a step."""
    scores = scores_of(portfolio)
    hopeful = hopeful_runners(portfolio, schedule, step, bars)
    staying: set[Runner] = set()
    resting: set[Runner] = set()
    for fold, bar in enumerate(bars):
        runners = {r: scores[r] for r in scores if r[1][0] == fold}
        if not runners:
            continue
        best = max(bar.score, *runners.values())
        near = staying_runners(runners, best, bar.noise, schedule, step)
        leading = leading_runners(runners, bar.noise)
        first = {r for r in leading if runners[r] >= best - bar.noise}
        staying |= near & (hopeful | first)
        resting |= {r for r in near - hopeful if runners[r] <= bar.score + bar.noise}
    return _kept(portfolio, staying, resting)


def hopeful_runners(
    portfolio: Portfolio, schedule: Schedule, step: int, bars: Sequence[Bar]
) -> set[Runner]:
    """Return who may still pass the best of its fold by more than the noise."""
    scores = scores_of(portfolio)
    best = {
        fold: max([bar.score, *(s for r, s in scores.items() if r[1][0] == fold)])
        for fold, bar in enumerate(bars)
    }
    return {
        (name, place)
        for name, team in portfolio.items()
        for place, promise in team.promises(step, schedule.max_steps).items()
        if step < bars[place[0]].patience
        or promise > best[place[0]] + bars[place[0]].noise
    }


def staying_runners(
    scores: dict[Runner, float],
    best: float,
    noise: float,
    schedule: Schedule,
    step: int,
) -> set[Runner]:
    """Return which of a fold's runners are near enough to its best score.

    To within the noise, since a difference that hides shows late. As long as the best
    score is no clear one, candidates have twice the time: the one of the right rank is
    often not among the first yet.
    """
    if schedule.descent_start is not None:
        return leading_runners(scores, noise)
    age = step if best > CLEAR * noise else step // 2
    share = needed_share(schedule, age)
    most = next((most for after, most in MOST_RUNNERS if age >= after), len(scores))
    first = sorted(scores, key=lambda runner: -scores[runner])[:most]
    if share is None:
        return set(first)
    needed = best - (1.0 - share) * abs(best) - noise
    return {r for r in first if scores[r] >= needed}


def leading_runners(scores: dict[Runner, float], noise: float) -> set[Runner]:
    """Return the leader of a fold, and who is as good but for noise, two at most.

    What a candidate gains in the descent, nobody can tell before it.
    """
    leader, *others = sorted(scores, key=lambda runner: -scores[runner])
    close = [r for r in others if scores[r] > scores[leader] - noise]
    return {leader, *close[: MOST_LEADERS - 1]}


def needed_share(schedule: Schedule, step: int) -> float | None:
    """Return which share of the best score is needed; None before any hurdle."""
    done = step / schedule.max_steps
    return next((share for after, share in HURDLES if done >= after), None)


def _kept(
    portfolio: Portfolio, staying: set[Runner], resting: set[Runner]
) -> Portfolio:
    """Return the teams of those who stay, in which some rest."""
    kept: Portfolio = {}
    for name, team in portfolio.items():
        places = [place for place in team.places if (name, place) in staying]
        still = [place for place in places if (name, place) in resting]
        if len(places) < len(team.places):
            team = team.keep(places)
        if places:
            kept[name] = team.resting(still) if still else team
    return kept
