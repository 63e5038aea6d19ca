"""Certified radii are those of a known classifier, and slopes of float64 norms."""

import math

import pytest
import torch

from benchmarks.paper.classifiers import (
    certified_radii,
    hidden_constant,
    initial_classifiers,
    margins,
)
from kantor.models.activations import Activation
from kantor.models.network import Network, Path


def linear(last: list[list[float]], path: Path) -> Network:
    """Return logits <w_c, x> without a hidden layer."""
    return Network((torch.tensor([last]),), (), (Activation("maxmin"),), path)


def test_margins_are_the_lead_over_the_best_other_class() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 7.0]])
    assert margins(logits, torch.tensor([0, 1])).tolist() == [1.0, -2.0]


@pytest.mark.parametrize(("path", "slope"), [("l2", math.sqrt(8.0)), ("linf", 4.0)])
def test_radius_of_a_linear_classifier_is_its_distance_to_the_border(
    path: Path, slope: float
) -> None:
    # f_0 - f_1 = 2 x_1 + 2 x_2: a plane at distance |2 x_1 + 2 x_2| / ||(2, 2)||_*.
    classifier = linear([[1.0, 1.0], [-1.0, -1.0]], path)
    x = torch.tensor([[0.5, 0.25], [-0.5, 0.25]])
    radii = certified_radii(classifier, x, torch.tensor([0, 0]))[0]
    expected = torch.tensor([1.5, -0.5], dtype=torch.float64) / slope
    # Inflated for rounding by 1e-10 at most a few times over.
    torch.testing.assert_close(radii, expected, rtol=1e-8, atol=0.0)


def test_the_nearest_other_class_decides_not_the_second_largest_logit() -> None:
    # Class 1 has the larger logit, but class 2 is nearer: its slope is steeper.
    classifier = linear([[1.0, 0.0], [0.9, 0.0], [-9.0, 0.0]], "l2")
    x = torch.tensor([[1.0, 0.0]])
    radius = certified_radii(classifier, x, torch.tensor([0]))[0]
    assert float(radius) == pytest.approx(1.0, rel=1e-6)


def test_radii_shrink_with_the_constant_of_the_hidden_layers() -> None:
    classifier = initial_classifiers(
        4, classes=3, width=8, depth=2, activation=Activation("maxmin"), count=2,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    first, *rest = classifier.tensors()
    stretched = classifier.with_tensors((3.0 * first, *rest))
    torch.testing.assert_close(
        hidden_constant(stretched), 3.0 * hidden_constant(classifier)
    )
    x, y = torch.eye(4), torch.tensor([0, 1, 2, 0])
    # Biases are zero: logits stretch as well, so that radii stay what they are.
    torch.testing.assert_close(
        certified_radii(stretched, x, y), certified_radii(classifier, x, y),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip
