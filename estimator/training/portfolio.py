"""The portfolio: the teams of all families that still compete, and who leads."""

from collections.abc import Iterator

from kantor.estimator.config import EstimateConfig
from kantor.estimator.critics import TRAINED, FitSamples
from kantor.estimator.recipe import Recipe
from kantor.estimator.training.team import Place, Team, initial_team

Portfolio = dict[str, Team]
"""Teams that have members, by their names: the family's, and what is theirs alone."""

Runner = tuple[str, Place]
"""A candidate on a fold: the name of its team, and its place there."""


def initial_portfolio(
    samples: FitSamples, recipe: Recipe, config: EstimateConfig
) -> Portfolio:
    """Return the teams that a configuration lets compete."""
    return {
        name: initial_team(start, folds=config.folds)
        for family in TRAINED
        if config.critic in ("portfolio", family.name)
        for name, start in family.starts(
            samples, recipe, seed=config.seed, norm=config.norm
        ).items()
    }


def scores_of(portfolio: Portfolio) -> dict[Runner, float]:
    """Return the best validation objective of everybody in the race."""
    return {
        (name, place): score
        for name, team in portfolio.items()
        for place, score in team.scores().items()
    }


def leaders_of(scores: dict[Runner, float]) -> list[Runner]:
    """Return the best of each fold that has any, fold by fold."""
    folds = sorted({fold for _, (fold, _) in scores})
    return [
        max((r for r in scores if r[1][0] == fold), key=lambda r: scores[r])
        for fold in folds
    ]


def leading_teams(portfolio: Portfolio) -> Iterator[tuple[int, str, Team]]:
    """Yield each fold that still has runners, its leader's family, and it alone."""
    for name, place in leaders_of(scores_of(portfolio)):
        yield place[0], name, portfolio[name].keep([place])
