"""The affine critic climbs along the difference of means, as fast as the norm lets."""

import pytest
import torch

from kantor.estimator.critics import FitSamples
from kantor.estimator.critics.affine import AffineFamily
from kantor.estimator.critics.network import as_network
from kantor.models.vocabulary import Norm


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_climbs_fastest_along_the_difference_of_means(
    norm: Norm, fit_samples: FitSamples
) -> None:
    source, target = fit_samples.heads(1000)
    for fold, candidates in enumerate(AffineFamily().fitted(fit_samples, norm=norm)):
        (critic,) = candidates
        difference = source[fold].mean(0) - target[fold].mean(0)
        order = 2.0 if norm == "l2" else float("inf")
        gained = as_network(critic).weights[0][0, 0] @ difference
        length = torch.linalg.vector_norm(difference, order)
        assert torch.isclose(gained, length, rtol=1e-5)  # float32


def test_there_was_nothing_to_choose(fit_samples: FitSamples) -> None:
    ((critic,), _) = AffineFamily().fitted(fit_samples, norm="l2")
    assert AffineFamily().winner(critic) == {}
