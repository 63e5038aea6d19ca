"""Teams: members by fold and candidate, judged, kept and led fold by fold."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kantor.estimator.critics import Start
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.portfolio import (
    leaders_of,
    leading_teams,
    scores_of,
)
from kantor.estimator.training.team import Team, initial_team
from kantor.models.activations import Activation
from kantor.models.cones import initial_cones
from kantor.models.constraints import Free, Spectral
from kantor.models.critic import lipschitz_bound
from kantor.models.methods import Method
from kantor.models.network import initial_network
from kantor.models.optimizers import Adam

FOLDS = 3


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator)


def team(scores: list[float] | None = None) -> Team:
    """Return peaks and valleys of four cones each on three folds."""
    cones = initial_cones(gaussian(2 * FOLDS, 4, 2), signs=(-1, 1) * FOLDS)
    method = Method(Free(), Adam())
    start = initial_team(
        Start(cones, method, rates=(0.1, 0.2), batch_size=8), folds=FOLDS
    )
    validation = torch.tensor(scores or [0.0] * 2 * FOLDS)
    return replace(start, best_validation=validation)


def test_places_lie_fold_by_fold() -> None:
    found = team()
    assert found.places == ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1))
    assert found.folds == [0, 0, 1, 1, 2, 2]
    assert torch.allclose(found.rates, torch.tensor([0.1, 0.2] * FOLDS))


def test_keeping_takes_all_that_belongs_to_a_place() -> None:
    found = team([float(i) for i in range(6)])
    kept = found.keep([(2, 0), (0, 1)])
    assert kept.best_validation.tolist() == [4.0, 1.0]
    assert torch.equal(
        kept.parameters.tensors()[0], found.parameters.tensors()[0][[4, 1]]
    )
    assert torch.equal(kept.memory[0], found.memory[0][[4, 1]])
    assert kept.keep([]).parameters.n_critics == 0


def test_each_critic_is_measured_on_its_own_fold() -> None:
    found, x, y = team().keep([(1, 0), (2, 1)]), gaussian(3, 8, 2), gaussian(3, 9, 2)
    values = dual_objective(found.effective(), x, y, found.folds)
    alone = dual_objective(found.keep([(2, 1)]).effective(), x[2:], y[2:], [0])
    assert torch.allclose(values[1:], alone, atol=1e-6)  # float32


def test_judging_keeps_the_better() -> None:
    found = team([1.0] * 6)
    gradients = tuple(p + 1.0 for p in found.parameters.tensors())
    moved = found.moved(gradients, step=0, factor=1.0)
    judged = moved.judged(moved.effective(), torch.tensor([2.0, 0.0] * FOLDS))
    assert judged.best_validation.tolist() == [2.0, 1.0] * FOLDS
    centers = judged.best.tensors()[0]
    assert torch.equal(centers[0], moved.parameters.tensors()[0][0])
    assert torch.equal(centers[1], found.best.tensors()[0][1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_critic_that_diverged_has_lost(value: float) -> None:
    found = team([1.0] * 6)
    judged = found.judged(found.effective(), torch.tensor([value] + [0.5] * 5))
    assert judged.best_validation.tolist() == [-float("inf")] + [1.0] * 5


def test_each_fold_has_a_leader_among_all_teams() -> None:
    portfolio = {"a": team([5, 0, 0, 0, 0, 1]), "b": team([0, 0, 0, 7, 0, 0])}
    expected = [("a", (0, 0)), ("b", (1, 1)), ("a", (2, 1))]
    assert leaders_of(scores_of(portfolio)) == expected
    alone = list(leading_teams(portfolio))
    assert [(name, *found.places) for _, name, found in alone] == expected
    assert [fold for fold, _, _ in alone] == [0, 1, 2]
    assert float(alone[1][2].best_validation) == 7.0


def test_critics_that_may_exceed_are_judged_by_their_certificate() -> None:
    network = initial_network(
        2, width=8, depth=1, activations=(Activation(),),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    doubled = network.with_tensors([2.0 * p for p in network.tensors()])
    for constraint in (Spectral(), Free()):
        found = initial_team(
            Start(network, Method(constraint, Adam()), rates=(0.1,), batch_size=8),
            folds=1,
        )
        constant = float(found.constants(doubled))
        expected = float(lipschitz_bound(doubled)) if constraint.may_exceed else 1.0
        assert constant == pytest.approx(expected, rel=1e-6)
