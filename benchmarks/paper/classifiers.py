"""Classifiers under a Lipschitz constraint, and the radius within which they are sure.

A classifier is a `Network` whose last layer has a row w_c for each class: logits
f_c(x) = <w_c, g(x)>. With L the constant of g in the ground norm,

    |(f_y - f_c)(x') - (f_y - f_c)(x)| <= L ||w_y - w_c||_* |x' - x|,

so that no x' nearer than min_c (f_y - f_c)(x) / (L ||w_y - w_c||_*) to x is given
another class than y. The dual norm of the last layer is l2 for l2, and L1 where the
norm before it is linf. With ||w_y - w_c||_* <= 2 for rows in the unit ball, the simpler
certificate divides the lead by 2.
"""

import math

import torch
from torch import Tensor

from kantor.models.activations import Activation
from kantor.models.network import Network, Path, initial_network
from kantor.models.norms import ROUNDING
from kantor.models.orthonormal import random_orthonormal

RELU_GAIN = math.sqrt(2.0)
"""Scale of unconstrained ReLU layers at the start, which half of the units pass."""


def initial_classifiers(
    dim: int,
    *,
    classes: int,
    width: int,
    depth: int,
    activation: Activation,
    count: int,
    generator: torch.Generator,
    path: Path = "l2",
) -> Network:
    """Draw `count` classifiers with orthonormal weights and zero biases."""
    network = initial_network(
        dim, width=width, depth=depth, activations=(activation,) * count,
        generator=generator, path=path,
    )  # fmt: skip
    *hidden, last = network.weights
    shape = (count, classes, last.shape[-1])
    rows = random_orthonormal(shape, generator=generator, dtype=last.dtype)
    return network.with_tensors((*hidden, rows.contiguous(), *network.biases))


def amplified(network: Network, gain: float) -> Network:
    """Return the network with its weights multiplied: a start without a constraint."""
    weights = tuple(gain * w for w in network.weights)
    return network.with_tensors((*weights, *network.biases))


def margins(logits: Tensor, y: Tensor) -> Tensor:
    """Return by how much the class y leads: (..., n, C), (n,) -> (..., n).

    Negative where another class does.
    """
    places = y.expand(logits.shape[:-1]).unsqueeze(-1)
    others = logits.scatter(-1, places, -torch.inf)
    own: Tensor = logits.gather(-1, places).squeeze(-1)
    lead: Tensor = own - others.amax(-1)
    return lead


def certified_radii(network: Network, x: Tensor, y: Tensor) -> Tensor:
    """Return radii (K, n), in float64, within which rows x (n, d) are given class y.

    Negative where they are not given it at x itself. In the ground norm of the network.
    """
    exact = network.with_tensors([p.double() for p in network.tensors()])
    logits = exact(x.double())  # (K, n, C)
    last = exact.weights[-1]
    differences = last.unsqueeze(2) - last.unsqueeze(1)  # (K, C, C, width)
    order = 2 if network.path == "l2" else 1
    slopes = torch.linalg.vector_norm(differences, order, dim=-1)
    slopes = slopes * hidden_constant(network)[:, None, None] * (1.0 + ROUNDING)
    places = y.expand(logits.shape[:-1]).unsqueeze(-1)
    leads = logits.gather(-1, places) - logits  # 0 for y itself
    radii = leads / slopes[:, y].clamp_min(torch.finfo(slopes.dtype).tiny)
    nearest: Tensor = radii.scatter(-1, places, torch.inf).amin(-1)
    return nearest


def hidden_constant(network: Network) -> Tensor:
    """Return the certified constant (K,) of all layers but the last, in float64."""
    norms = network.operator_norms()[:, :-1]
    return norms.prod(-1) * (1.0 + ROUNDING)
