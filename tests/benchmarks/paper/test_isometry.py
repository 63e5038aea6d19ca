"""What is measured of gradients is what is known of simple networks."""

import pytest
import torch

from benchmarks.paper.isometry import (
    activity,
    gradient_lengths,
    jacobian_singular_values,
)
from kantor.models.activations import Activation
from kantor.models.network import Network, initial_network
from kantor.models.vocabulary import ActivationName


def drawn(*activations: ActivationName) -> tuple[Network, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    networks = initial_network(
        8, width=8, depth=3, activations=tuple(Activation(a) for a in activations),
        generator=generator,
    )  # fmt: skip
    return networks, torch.randn(40, 8, generator=generator)


def test_sorting_networks_of_orthonormal_weights_keep_every_direction() -> None:
    networks, x = drawn("maxmin", "fullsort", "abs")
    # Float32 products of four orthonormal matrices.
    assert gradient_lengths(networks, x) == pytest.approx(1.0, abs=1e-5)
    assert jacobian_singular_values(networks, x) == pytest.approx(1.0, abs=1e-5)


def test_relu_loses_directions_under_the_same_weights() -> None:
    networks, x = drawn("relu")
    assert gradient_lengths(networks, x).max() < 0.99
    assert jacobian_singular_values(networks, x).min() < 1e-5


def test_units_are_counted_that_are_never_or_always_active() -> None:
    # Two units over x >= 0: one always above zero, one never, in a single layer.
    networks = Network(
        (torch.tensor([[[1.0], [-1.0], [1.0], [1.0]]]), torch.ones(1, 1, 4)),
        (torch.tensor([[[0.5, -0.5, -2.0, -10.0]]]),),
        (Activation("relu"),),
    )
    never, always = activity(networks, torch.linspace(0.0, 4.0, 9)[:, None])
    assert (float(never[0]), float(always[0])) == (0.5, 0.25)
