"""Networks start as the recipe says: shapes, groups and constraint."""

from typing import Any

import pytest
import torch

from kantor.estimator import EstimateConfig
from kantor.estimator.config import Effort
from kantor.estimator.critics import FitSamples
from kantor.estimator.critics.network import (
    NetworkFamily,
    as_network,
    constraint_of,
    jitter_of,
)
from kantor.estimator.recipe import recipe_for
from kantor.models import constraints
from kantor.models.network import Network
from kantor.models.norms import orthonormality_defect

N_FIT = 50


def started(samples: FitSamples, **settings: Any) -> Network:
    config = EstimateConfig(effort="quick", **settings)
    recipe = recipe_for(config, N_FIT)
    starts = NetworkFamily().starts(samples, recipe, seed=0, norm=config.norm)
    return as_network(starts["network"].critic)


def test_weights_have_the_shapes_asked_for(fit_samples: FitSamples) -> None:
    network = started(fit_samples, depth=3, width=10)
    shapes = [tuple(w.shape[1:]) for w in network.weights]
    assert shapes == [(10, 3), (10, 10), (10, 10), (1, 10)]


def test_weights_start_orthonormal(fit_samples: FitSamples) -> None:
    for w in started(fit_samples).weights:
        assert (orthonormality_defect(w) < 1e-5).all()  # float32


@pytest.mark.parametrize("effort", ["quick", "thorough"])
def test_every_candidate_of_the_recipe_competes_at_its_rate(
    fit_samples: FitSamples, effort: Effort
) -> None:
    config = EstimateConfig(effort=effort, width=32)
    recipe = recipe_for(config, N_FIT)
    starts = NetworkFamily().starts(fit_samples, recipe, seed=0, norm="l2")
    (start,) = starts.values()
    asked = recipe.networks.candidates
    found = [(a.name, a.group_size) for a in as_network(start.critic).activations]
    assert found == [(c.activation, c.group_size) for c in asked] * 2  # folds
    assert start.rates == tuple(c.learning_rate for c in asked)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, constraints.Stiefel),
        ({"optimizer": "adam"}, constraints.StiefelProjection),
        ({"constraint": "bjorck"}, constraints.Bjorck),
        ({"constraint": "spectral"}, constraints.Spectral),
        ({"constraint": "parseval"}, constraints.Parseval),
        ({"constraint": "mixed"}, constraints.RowBalls),
        ({"norm": "linf"}, constraints.RowBalls),
    ],
)
def test_the_recipe_names_the_constraint(settings: dict[str, Any], kind: type) -> None:
    recipe = recipe_for(EstimateConfig(**settings), N_FIT)
    assert type(constraint_of(recipe.networks)) is kind


@pytest.mark.parametrize(
    ("settings", "path"),
    [({}, "l2"), ({"constraint": "mixed"}, "mixed"), ({"norm": "linf"}, "linf")],
)
def test_layers_are_measured_in_the_norms_of_the_constraint(
    fit_samples: FitSamples, settings: dict[str, Any], path: str
) -> None:
    assert started(fit_samples, **settings).path == path


def test_only_orthonormal_layers_have_a_defect(fit_samples: FitSamples) -> None:
    for norm, missing in (("l2", False), ("linf", True)):
        network = started(fit_samples, norm=norm).select([0])
        exact = network.with_tensors([p.double() for p in network.tensors()])
        layers = NetworkFamily().layers(exact)
        assert [item.orthonormality_defect is None for item in layers] == [missing] * 3


def test_the_winner_is_described_by_its_own_weights(fit_samples: FitSamples) -> None:
    network = started(fit_samples, depth=1, width=6, group_size=3).select([0])
    said = NetworkFamily().winner(network)
    assert said == {
        "depth": 1,
        "width": 6,
        "activation": "groupsort",
        "group_size": 3,
    }


def test_noise_is_a_share_of_the_way_to_the_nearest_row() -> None:
    line = torch.arange(6.0)[:, None].expand(6, 2) * torch.tensor([3.0, 4.0])
    sides = line[None, ::2], line[None, 1::2]  # rows of either side 5 apart
    assert jitter_of(sides, 0.5) == pytest.approx((2.5,), rel=1e-3)


def test_each_fold_s_noise_is_of_its_own_rows() -> None:
    rows = torch.randn(1, 40, 3)
    sides = torch.cat([rows, 2.0 * rows]), torch.cat([rows + 0.1, 2.0 * rows + 0.2])
    first, second = jitter_of(sides, 1.0)
    assert second == pytest.approx(2.0 * first, rel=1e-3)


def test_rows_that_repeat_are_not_blurred() -> None:
    rows = torch.randn(1, 20, 3).repeat(1, 2, 1)
    assert jitter_of((rows, rows), 1.0) == pytest.approx((0.0,), abs=1e-2)  # float32


def test_no_noise_is_none() -> None:
    rows = torch.randn(1, 8, 3)
    assert jitter_of((rows, rows), 0.0) == ()
