"""Critics by numpy are the critics of torch: values, gradients, documents."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from kantor.estimator.critics.cones import TIP
from kantor.estimator.critics.network import LEAK
from kantor.estimator.evidence.certified import EvaluatedCritic, evaluated
from kantor.models import activations as torch_activations
from kantor.models import cones as torch_cones
from kantor.models.activations import Activation
from kantor.models.cones import initial_cones
from kantor.models.critic import Critic
from kantor.models.network import initial_network
from kantor.models.profiles import Profiles
from kantor.models.projections import initial_projections
from kantor.models.vocabulary import ActivationName, Norm


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def network(name: ActivationName) -> EvaluatedCritic:
    critic = initial_network(
        5, width=12, depth=3, activations=(Activation(name, 3),),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return evaluated(
        critic.with_tensors([p + 0.1 * gaussian(*p.shape) for p in critic.tensors()]),
        "network",
    )


def cones(norm: Norm, sign: int) -> EvaluatedCritic:
    critic = initial_cones(gaussian(1, 20, 5), signs=(sign,), norm=norm)
    return evaluated(
        critic.with_tensors([p + 0.1 * gaussian(*p.shape) for p in critic.tensors()]),
        "cones",
    )


def projection(sign: int) -> EvaluatedCritic:
    critic = initial_projections(
        gaussian(1, 7, 5), rank=2, signs=(sign,),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return evaluated(
        critic.with_tensors([p + 0.1 * gaussian(*p.shape) for p in critic.tensors()]),
        "projection",
    )


def profile(norm: Norm, *, radial: bool) -> EvaluatedCritic:
    knots = gaussian(1, 1, 30, seed=3).sort(dim=-1).values
    critic = Profiles(
        gaussian(1, 1, 5), knots, gaussian(1, 1, 30, seed=4), (radial,), norm
    )
    return evaluated(critic, "profile")


NAMES = [
    *get_args(ActivationName),
    "l2 peaks",
    "l2 valleys",
    "linf peaks",
    "linf valleys",
    "projection peaks",
    "projection valleys",
    "l2 direction",
    "l2 radius",
    "linf direction",
    "linf radius",
]


def critic_named(name: str) -> EvaluatedCritic:
    if name in get_args(ActivationName):
        return network(name)  # type: ignore[arg-type]
    norm, kind = name.split()
    sign = -1 if kind == "peaks" else 1
    if norm == "projection":
        return projection(sign)
    if kind in ("direction", "radius"):
        return profile(norm, radial=kind == "radius")  # type: ignore[arg-type]
    return cones(norm, sign)  # type: ignore[arg-type]


def torch_gradient(critic: Critic, u: Tensor) -> Tensor:
    x = u.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x)
    return gradient


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_torch(name: str) -> None:
    critic, u = critic_named(name), gaussian(50, 5, seed=2)
    potential = critic.potential()
    values = critic.critic(u)[0].numpy()
    np.testing.assert_allclose(potential(u.numpy()), values, rtol=1e-9, atol=1e-11)
    gradients = torch_gradient(critic.critic, u).numpy()
    np.testing.assert_allclose(
        potential.gradient(u.numpy()), gradients, rtol=1e-8, atol=1e-10
    )


@pytest.mark.parametrize("name", NAMES)
def test_survives_its_document(name: str) -> None:
    potential, u = critic_named(name).potential(), gaussian(9, 5).numpy()
    again = type(potential).from_tensors(potential.to_tensors())
    np.testing.assert_array_equal(again(u), potential(u))


def test_constants_are_those_of_torch() -> None:
    assert torch_cones.TIP == TIP
    assert torch_activations.LEAK == LEAK
