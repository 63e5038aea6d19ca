"""The race of candidates: those that fall behind leave, the best goes on alone.

Candidates cost as much as they compute, so the longer training lasts the closer one has
to be to the best validation objective to stay; in the descent only the best is left.
Each fold runs a race of its own: a rank in other folds would tell of its test samples.
"""

from collections.abc import Sequence

from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.teams import Member, Team

HURDLES = ((0.5, 0.95), (0.25, 0.85), (0.125, 0.6))
"""After this share of the steps, a candidate needs this share of the best score."""


def after_race(
    teams: Sequence[Team], schedule: Schedule, step: int
) -> tuple[Team, ...]:
    """Return the teams with the members that stay in the race at a step."""
    scores = {
        (i, member): score
        for i, team in enumerate(teams)
        for member, score in zip(
            team.members, team.best_validation.tolist(), strict=True
        )
    }
    kept = []
    for i, team in enumerate(teams):
        staying = [
            member
            for member in team.members
            if stays(scores, (i, member), schedule, step)
        ]
        kept.append(team if len(staying) == len(team.members) else team.keep(staying))
    return tuple(kept)


def stays(
    scores: dict[tuple[int, Member], float],
    runner: tuple[int, Member],
    schedule: Schedule,
    step: int,
) -> bool:
    """Return whether a member of a team (by number) stays, given everybody's scores."""
    fold = runner[1][0]
    rivals = [key for key in scores if key[1][0] == fold]
    leader = max(rivals, key=lambda key: scores[key])
    if schedule.descent_start is not None:
        return runner == leader
    share = needed_share(schedule, step)
    best = scores[leader]
    return share is None or scores[runner] >= best - (1.0 - share) * abs(best)


def needed_share(schedule: Schedule, step: int) -> float | None:
    """Return which share of the best score a member needs; None before any hurdle."""
    done = step / schedule.max_steps
    return next((share for after, share in HURDLES if done >= after), None)
