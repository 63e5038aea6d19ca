"""The affine critic x -> <v, x> along the difference of the fit means.

It costs nothing, and between a distribution and its translate, in many dimensions, no
other critic does as well.
"""

from typing import TYPE_CHECKING, Any

from kantor.estimator.critics.family import FitSamples, Potential
from kantor.estimator.critics.network import NetworkFamily
from kantor.estimator.result import LayerCertificate
from kantor.models.vocabulary import Norm

if TYPE_CHECKING:
    from kantor.models.critic import Critic

MEAN_ROWS = 100_000
"""Fit samples of a side whose mean is looked at, at most."""

_NETWORK = NetworkFamily()


class AffineFamily:
    """Networks without a hidden layer."""

    name: str = "affine"
    potential_type: type[Potential] = NetworkFamily.potential_type

    def fitted(self, samples: FitSamples, *, norm: Norm) -> "list[list[Critic]]":
        """Return the steepest affine critic along each fold's difference of means."""
        from kantor.models.network import affine_network

        source, target = samples.heads(MEAN_ROWS)
        return [[affine_network(v, norm)] for v in source.mean(1) - target.mean(1)]

    def layers(self, critic: "Critic") -> list[LayerCertificate]:
        """Describe the one row."""
        return _NETWORK.layers(critic)

    def potential(self, critic: "Critic") -> Potential:
        """Return the row for numpy."""
        return _NETWORK.potential(critic)

    def winner(self, critic: "Critic") -> dict[str, Any]:
        """Return nothing: there was nothing to choose."""
        return {}
