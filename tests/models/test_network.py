"""Batched networks: each member its own, 1-Lipschitz, gradient-preserving."""

import pytest
import torch

from kantor.models.activations import Activation
from kantor.models.critic import lipschitz_bound, mapped
from kantor.models.network import Network, affine_network, initial_network
from kantor.models.norms import orthonormality_defect


def critic(n_critics: int = 3, group_size: int = 4, dim: int = 6) -> Network:
    return initial_network(
        dim,
        width=16,
        depth=3,
        activations=(Activation("groupsort", group_size),) * n_critics,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
    )


def samples(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_members_do_not_mix() -> None:
    batch, x = critic(), samples(3, 10, 6)
    alone = [batch.select([k])(x[k]) for k in range(3)]
    assert torch.allclose(batch(x), torch.cat(alone), atol=1e-14)


def test_shared_samples_equal_repeated_ones() -> None:
    batch, x = critic(), samples(10, 6)
    assert torch.equal(batch(x), batch(x.expand(3, 10, 6)))


@pytest.mark.parametrize("group_size", [2, 4, 16])
def test_no_pair_of_points_exceeds_the_certificate(group_size: int) -> None:
    batch = critic(group_size=group_size)
    x, y = samples(2000, 6, seed=1), samples(2000, 6, seed=2)
    slopes = (batch(x) - batch(y)).abs() / (x - y).norm(dim=-1)
    assert (slopes <= lipschitz_bound(batch)[:, None]).all()


@pytest.mark.parametrize("group_size", [2, 4, 16])
def test_gradient_has_norm_one_almost_everywhere(group_size: int) -> None:
    square = critic(group_size=group_size, dim=16)
    x = samples(50, 16).requires_grad_()
    (gradient,) = torch.autograd.grad(square(x)[0].sum(), x)
    norms = gradient.norm(dim=-1)
    assert torch.allclose(norms, torch.ones_like(norms), atol=1e-12)


def test_initial_certificate_is_one() -> None:
    assert ((lipschitz_bound(critic()) - 1).abs() < 1e-8).all()  # rounding margin


def test_certificate_grows_with_a_perturbed_weight() -> None:
    batch = critic(n_critics=1)
    first = batch.weights[0].clone()
    first[0] *= 1.001
    perturbed = Network((first, *batch.weights[1:]), batch.biases, batch.activations)
    assert lipschitz_bound(perturbed) > lipschitz_bound(batch) * 1.0009
    assert orthonormality_defect(first) > 1e-3


def test_certificate_is_the_product_of_norms() -> None:
    doubled = mapped(critic(), lambda p: 2 * p)
    expected = 2.0 ** len(doubled.weights)
    assert torch.allclose(
        lipschitz_bound(doubled),
        torch.full((3,), expected, dtype=torch.float64),
        rtol=1e-8,
    )


def test_members_may_sort_groups_of_different_sizes() -> None:
    generator, x = torch.Generator().manual_seed(0), samples(10, 6)
    activations = tuple(Activation("groupsort", size) for size in (2, 8, 2))
    batch = initial_network(
        6, width=16, depth=2, activations=activations, generator=generator,
        dtype=torch.float64,
    )  # fmt: skip
    alone = [batch.select([k])(x) for k in range(3)]
    assert torch.allclose(batch(x), torch.cat(alone), atol=1e-14)


def test_affine_network_measures_along_its_direction() -> None:
    critic = affine_network(torch.tensor([3.0, 4.0]))
    assert torch.allclose(critic(torch.tensor([[3.0, 4.0]])), torch.tensor([[5.0]]))
    assert (lipschitz_bound(affine_network(torch.zeros(3))) - 1).abs() < 1e-8


def test_a_last_layer_of_several_rows_has_a_value_of_each() -> None:
    network = critic()
    last = network.weights[-1]
    rows = torch.cat([last, -2.0 * last], dim=1)
    several = network.with_tensors((*network.weights[:-1], rows, *network.biases))
    value = network(x := samples(10, network.dim))
    assert torch.allclose(several(x), torch.stack([value, -2.0 * value], dim=-1))
