"""Networks start as the recipe says: shapes, groups and constraint."""

from typing import Any

import pytest

from kantor.estimator import EstimateConfig
from kantor.estimator.critics import FitSamples
from kantor.estimator.critics.network import NetworkFamily, as_network, constraint_of
from kantor.estimator.recipe import recipe_for
from kantor.models import constraints
from kantor.models.network import Network
from kantor.models.norms import orthonormality_defect


def started(samples: FitSamples, **settings: Any) -> Network:
    config = EstimateConfig(effort="quick", **settings)
    start = NetworkFamily().start(samples, recipe_for(config), seed=0, norm=config.norm)
    return as_network(start.critic)


def test_weights_have_the_shapes_asked_for(fit_samples: FitSamples) -> None:
    network = started(fit_samples, depth=3, width=10)
    shapes = [tuple(w.shape[1:]) for w in network.weights]
    assert shapes == [(10, 3), (10, 10), (10, 10), (1, 10)]


def test_weights_start_orthonormal(fit_samples: FitSamples) -> None:
    for w in started(fit_samples).weights:
        assert (orthonormality_defect(w) < 1e-5).all()  # float32


@pytest.mark.parametrize("effort", ["quick", "thorough"])
def test_a_candidate_competes_for_each_group_size(
    fit_samples: FitSamples, effort: str
) -> None:
    recipe = recipe_for(EstimateConfig(effort=effort, width=32))  # type: ignore[arg-type]
    start = NetworkFamily().start(fit_samples, recipe, seed=0, norm="l2")
    sizes = [a.group_size for a in as_network(start.critic).activations]
    assert sizes == [*recipe.networks.group_sizes] * 2  # folds


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
    recipe = recipe_for(EstimateConfig(**settings))
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
    assert said == {"depth": 1, "width": 6, "group_size": 3}
