"""The race of candidates: those that fall behind leave, the best goes on alone.

Candidates cost as much as they compute, so the longer training lasts the closer one has
to be to the best validation objective to stay; in the descent only the best is left.
"""

from collections.abc import Sequence

from estimator.schedule import Schedule
from estimator.teams import Team

HURDLES = ((0.5, 0.95), (0.25, 0.85), (0.125, 0.6))
"""After this share of the steps, a candidate needs this share of the best score."""


def after_race(
    teams: Sequence[Team], schedule: Schedule, step: int
) -> tuple[Team, ...]:
    """Return the teams with the candidates that stay in the race at a step."""
    scores = {
        (i, j): float(score)
        for i, team in enumerate(teams)
        for j, score in zip(team.candidates, team.scores(), strict=True)
    }
    leader = max(scores, key=lambda key: scores[key])
    needed = scores[leader] - allowance(schedule, step) * abs(scores[leader])
    staying = {key for key, score in scores.items() if score >= needed}
    if schedule.descent_start is not None:
        staying = {leader}
    kept = [
        team.keep([j for j in team.candidates if (i, j) in staying])
        if any((i, j) not in staying for j in team.candidates)
        else team
        for i, team in enumerate(teams)
    ]
    return tuple(kept)


def allowance(schedule: Schedule, step: int) -> float:
    """Return by which share of the best score a candidate may fall short."""
    done = step / schedule.max_steps
    return next(
        (1.0 - share for after, share in HURDLES if done >= after), float("inf")
    )
