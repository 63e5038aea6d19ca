"""Thinning: idle cones go, with all that is remembered of them; the others move on."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from kantor.estimator.critics import Start
from kantor.estimator.training import thinning
from kantor.estimator.training.steps import team_step
from kantor.estimator.training.team import Team, initial_team
from kantor.estimator.training.thinning import SPARED, parts_needed, thinned
from kantor.models.activations import Activation
from kantor.models.cones import initial_cones
from kantor.models.constraints import Contractions, Free
from kantor.models.methods import Method
from kantor.models.network import initial_network
from kantor.models.optimizers import Adam, BlockAscent
from kantor.models.projections import initial_projections

FOLDS, CONES, D, ROWS = 2, 16, 3, 64
BUSY = 3
"""Cones of each critic that stand where samples are."""


@pytest.fixture(autouse=True)
def few_may_be_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "FEWEST", 2)


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, Y = gaussian(FOLDS, ROWS, D, seed=1), gaussian(FOLDS, ROWS, D, seed=2)


def crowded_team() -> Team:
    """Return peaks and valleys of which all but a few cones stand far away."""
    centers = gaussian(2 * FOLDS, CONES, D)
    cones = initial_cones(centers, signs=(-1, 1) * FOLDS)
    offsets = torch.full_like(cones.offsets, 30.0)
    for k in range(2 * FOLDS):
        offsets[k, 0, k : k + BUSY] = 0.0  # others for each critic
    cones = cones.with_tensors([centers, offsets, cones.log_temperatures])
    start = Start(cones, Method(Free(), Adam()), rates=(0.1, 0.1), batch_size=ROWS)
    return initial_team(start, folds=FOLDS)


def crowded_planes(rank: int) -> Team:
    """Return cones on projections of which all but a few are far above the others."""
    generator = torch.Generator().manual_seed(0)
    centers, signs = gaussian(2 * FOLDS, CONES, D), (-1, 1) * FOLDS
    planes = initial_projections(centers, rank=rank, signs=signs, generator=generator)
    rows, shifts, _, temperatures = planes.tensors()
    offsets = crowded_team().parameters.tensors()[1]
    planes = planes.with_tensors([rows, shifts, offsets, temperatures])
    method = Method(Contractions(rank), BlockAscent(rank, Adam()))
    start = Start(planes, method, rates=(0.01, 0.01), batch_size=ROWS)
    return initial_team(start, folds=FOLDS)


def level_team() -> Team:
    """Return a team all of whose cones are as high, and smooth enough to be met."""
    team = crowded_team()
    centers, offsets, temperatures = team.parameters.tensors()
    level = [centers, torch.zeros_like(offsets), torch.ones_like(temperatures)]
    critic = team.parameters.with_tensors(level)
    return replace(team, parameters=critic, best=critic)


def step_of(team: Team) -> tuple[Team, Tensor]:
    return team_step(team, X, Y, step=0, factor=1.0)


def test_idle_cones_go() -> None:
    team = crowded_team()
    fewer = thinned(team, X, Y)
    assert fewer.parameters.tensors()[0].shape == (2 * FOLDS, 4, D)
    assert fewer.best.tensors()[0].shape == (2 * FOLDS, 4, D)
    samples = torch.cat([X, Y], dim=1)[team.folds]
    torch.testing.assert_close(fewer.parameters(samples), team.parameters(samples))
    torch.testing.assert_close(fewer.best(samples), team.best(samples))


@pytest.mark.parametrize(
    "crowded",
    [crowded_team, partial(crowded_planes, 1), partial(crowded_planes, 2)],
    ids=["cones", "planes", "lines"],
)
def test_a_thinned_team_moves_as_the_whole_one_does(
    crowded: Callable[[], Team],
) -> None:
    team, _ = step_of(crowded())
    fewer = thinned(team, X, Y)
    assert fewer.parameters.tensors()[-2].shape[-1] < CONES
    samples = torch.cat([X, Y], dim=1)[team.folds]
    (moved, value), (fewer_moved, fewer_value) = step_of(team), step_of(fewer)
    torch.testing.assert_close(fewer_value, value, atol=1e-5, rtol=0)
    torch.testing.assert_close(  # the memory has gone along: else steps would differ
        fewer_moved.parameters(samples), moved.parameters(samples), atol=1e-4, rtol=0
    )


def test_the_best_so_far_keeps_cones_of_its_own() -> None:
    team = crowded_team()
    turned = team.parameters.tensors()[1].flip(-1)
    team = replace(
        team,
        parameters=team.parameters.with_tensors(
            [
                team.parameters.tensors()[0].flip(1),
                turned,
                *team.parameters.tensors()[2:],
            ]
        ),
    )
    fewer = thinned(team, X, Y)
    samples = torch.cat([X, Y], dim=1)[team.folds]
    torch.testing.assert_close(fewer.best(samples), team.best(samples))
    torch.testing.assert_close(fewer.parameters(samples), team.parameters(samples))


def test_what_goes_has_little_of_the_shares() -> None:
    even = torch.full((1, 64), 1.0 / 64)
    assert parts_needed(even) == 64
    steep = 0.5 ** torch.arange(1.0, 65.0)[None]
    needed = parts_needed(steep / steep.sum())
    assert needed == 8
    assert steep[0, needed:].sum() < SPARED < steep[0, needed // 2 :].sum()
    assert parts_needed(torch.eye(5)[:1]) == 1
    assert parts_needed(torch.cat([even, torch.eye(64)[:1]])) == 64  # who needs most


def test_a_few_stay_however_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "FEWEST", 8)
    assert thinned(crowded_team(), X, Y).parameters.tensors()[0].shape[1] == 8


def test_a_team_is_halved_until_it_is_small_enough() -> None:
    team = replace(level_team(), most_parts=5)
    counts = [CONES]
    for _ in range(3):
        team = thinned(team, X, Y)
        counts.append(team.parameters.tensors()[0].shape[1])
    assert counts == [16, 8, 5, 5]


def test_where_all_are_busy_nothing_changes() -> None:
    busy = level_team()
    assert thinned(busy, X, Y) is busy


def test_critics_without_parts_stay_as_they_are() -> None:
    network = initial_network(
        D, width=8, depth=1, activations=(Activation(),) * FOLDS,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    start = Start(network, Method(Free(), Adam()), rates=(0.1,), batch_size=ROWS)
    team = initial_team(start, folds=FOLDS)
    assert thinned(team, X, Y) is team
