"""The table of families: each is listed once and answers everything about itself."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch

from kantor.estimator.critics import FITTED, TRAINED, FitSamples, family_named
from kantor.estimator.evidence.certified import EvaluatedCritic
from kantor.estimator.recipe import Recipe
from kantor.models.vocabulary import Norm

CriticOf = Callable[..., EvaluatedCritic]

FAMILIES = (*TRAINED, *FITTED)
each_family = pytest.mark.parametrize("name", [family.name for family in FAMILIES])
each_trained = pytest.mark.parametrize("family", TRAINED, ids=lambda f: f.name)
each_in_its_norms = pytest.mark.parametrize(
    ("name", "norm"),
    [
        (family.name, norm)
        for family in FAMILIES
        for norm in ("l2", "linf")
        if (family.name, norm) != ("projection", "linf")
    ],
)


def rows(seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=(40, 3)))


def test_names_are_told_apart_and_found() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert [family_named(name) for name in names] == list(FAMILIES)


@each_family
def test_layers_multiply_to_the_certificate(name: str, critic_of: CriticOf) -> None:
    certificate = critic_of(name).certificate()
    product = np.prod([layer.operator_norm for layer in certificate.layers])
    # Inflated once more for the rounding of the product itself.
    assert product <= certificate.lipschitz_bound <= product * (1 + 1e-8)
    assert certificate.layers[0].columns in (1, 3)
    json.dumps(certificate.layers[0].__dict__, allow_nan=False)


@each_in_its_norms
def test_numpy_sees_the_same_function(
    name: str, norm: Norm, critic_of: CriticOf
) -> None:
    critic = critic_of(name, norm)
    values = critic.critic(torch.from_numpy(rows()))[0].numpy()
    np.testing.assert_allclose(critic.potential()(rows()), values, rtol=1e-9, atol=1e-9)


@each_family
def test_the_document_gives_the_function_back(name: str, critic_of: CriticOf) -> None:
    potential = critic_of(name).potential()
    again = family_named(name).potential_type.from_tensors(potential.to_tensors())
    np.testing.assert_array_equal(again(rows()), potential(rows()))
    np.testing.assert_array_equal(again.gradient(rows()), potential.gradient(rows()))


@each_in_its_norms
def test_slopes_stay_within_the_certificate(
    name: str, norm: Norm, critic_of: CriticOf
) -> None:
    critic = critic_of(name, norm)
    dual = 1 if norm == "linf" else 2
    lengths = np.linalg.norm(critic.potential().gradient(rows()), dual, axis=1)
    assert (lengths <= critic.lipschitz_bound * (1 + 1e-12)).all()
    assert critic.certificate().norm == norm


@each_family
def test_what_won_is_said_in_plain_values(name: str, critic_of: CriticOf) -> None:
    critic = critic_of(name)
    said = critic.family.winner(critic.critic)
    assert json.loads(json.dumps(said)) == said


@each_trained
def test_every_candidate_starts_on_every_fold(
    family: object, fit_samples: FitSamples, recipe: Recipe
) -> None:
    trained = next(f for f in TRAINED if f is family)
    batch_size = {
        "network": recipe.networks.batch_size,
        "cones": recipe.cones.batch_size,
        "projection": recipe.projections.batch_size,
    }[trained.name]
    starts = trained.starts(fit_samples, recipe, seed=0, norm="l2")
    assert starts
    for name, start in starts.items():
        assert name.split(":")[0] == trained.name
        assert start.critic.n_critics == 2 * len(start.rates)
        assert start.batch_size == batch_size


def test_only_projections_keep_out_of_the_largest_coordinate(
    fit_samples: FitSamples, recipe: Recipe
) -> None:
    for trained in TRAINED:
        starts = trained.starts(fit_samples, recipe, seed=0, norm="linf")
        assert bool(starts) == (trained.name != "projection")


@each_trained
def test_the_seed_decides_where_candidates_start(
    family: object, fit_samples: FitSamples, recipe: Recipe
) -> None:
    trained = next(f for f in TRAINED if f is family)
    one, again = (
        trained.starts(fit_samples, recipe, seed=3, norm="l2") for _ in range(2)
    )
    assert list(one) == list(again)
    for name, start in one.items():
        pairs = zip(start.critic.tensors(), again[name].critic.tensors(), strict=True)
        assert all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.parametrize("family", FITTED, ids=lambda f: f.name)
def test_what_is_fitted_looks_at_its_own_fold_alone(
    family: object, fit_samples: FitSamples
) -> None:
    fitted = next(f for f in FITTED if f is family)
    source, target = fit_samples.heads(1000)

    class Changed:
        def heads(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
            x = source[:, :count].clone()
            x[1] += 5.0
            return x, target[:, :count]

    one, other = (fitted.fitted(s, norm="l2")[0] for s in (fit_samples, Changed()))
    for first, second in zip(one, other, strict=True):
        pairs = zip(first.tensors(), second.tensors(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
