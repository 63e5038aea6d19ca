"""Cones start at samples: peaks at the source's, valleys at the target's."""

import torch

from kantor.estimator.critics import FitSamples, Start
from kantor.estimator.critics.cones import PEAKS, VALLEYS, ConeFamily, as_cones
from kantor.estimator.recipe import Recipe


def started(samples: FitSamples, recipe: Recipe) -> Start:
    (start,) = ConeFamily().starts(samples, recipe, seed=0, norm="l2").values()
    return start


def test_centers_are_samples_of_their_side(
    fit_samples: FitSamples, recipe: Recipe
) -> None:
    start = started(fit_samples, recipe)
    cones, (source, target) = as_cones(start.critic), fit_samples.heads(5)
    of_a_fold = len(start.rates)
    for k, sign in enumerate(cones.signs):
        side = {PEAKS: source, VALLEYS: target}[sign]
        assert torch.equal(cones.centers[k], side[k // of_a_fold])


def test_both_kinds_compete_on_every_fold(
    fit_samples: FitSamples, recipe: Recipe
) -> None:
    start = started(fit_samples, recipe)
    folds = len(fit_samples.heads(1)[0])
    assert len(start.rates) == 2
    assert as_cones(start.critic).signs == (PEAKS, VALLEYS) * folds


def test_the_winner_says_which_way_up(fit_samples: FitSamples, recipe: Recipe) -> None:
    cones = as_cones(started(fit_samples, recipe).critic)
    said = [ConeFamily().winner(cones.select([k])) for k in (0, 1)]
    assert said == [
        {"cones": 5, "shape": "peaks"},
        {"cones": 5, "shape": "valleys"},
    ]


def test_there_are_no_more_cones_than_samples(
    fit_samples: FitSamples, recipe: Recipe
) -> None:
    source, target = fit_samples.heads(3)

    class Few:
        def heads(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
            return source, target[:, :2]

    start = started(Few(), recipe)
    assert as_cones(start.critic).centers.shape[1] == 2
