"""Evaluate a trained critic in float64, and certify the very weights used for it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kantor.estimator.result import Certificate, LayerCertificate
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.witness.potentials import (
    ConePotential,
    NetworkPotential,
    Potential,
)
from kantor.models.cones import Cones
from kantor.models.critic import Critic, lipschitz_bound, mapped
from kantor.models.network import Network
from kantor.models.norms import orthonormality_defect

Array = NDArray[np.float64]

_ROWS, _ENTRIES = 8192, 2**23

FORWARD_ROUNDING = 1e-6
"""Rounding of a float64 forward pass relative to the largest value, allowed for in
sample bounds.

A network's layers each err by at most in * eps <= 4096 * 2.3e-16 of the norm of their
input, 2e-11 in all. A cone's distance comes from a difference of squares, whose error
of in * eps of the largest square becomes its root, 1e-6, where the distance vanishes.
"""


@dataclass(frozen=True)
class EvaluatedCritic:
    """One critic in float64 with its certificate; values in scaled units."""

    critic: Critic
    operator_norms: tuple[float, ...]
    lipschitz_bound: float

    @property
    def family(self) -> str:
        """Return cones, network, or affine for a network without hidden layers."""
        if isinstance(self.critic, Cones):
            return "cones"
        return "network" if len(self.operator_norms) > 1 else "affine"

    def values(self, samples: NDArray[np.generic], scaler: Scaler) -> Array:
        """Return f / L of samples (n, d) -> (n,), in chunks."""
        device = self.critic.tensors()[0].device
        widest = max(p.shape[-2] for p in self.critic.tensors())
        rows = min(_ROWS, max(1, _ENTRIES // widest))
        chunks = []
        with torch.no_grad():
            for start in range(0, len(samples), rows):
                scaled = scaler.for_critic(samples[start : start + rows])
                u = torch.from_numpy(scaled).to(device)
                chunks.append(self.critic(u)[0].cpu().numpy())
        return np.concatenate(chunks) / self.lipschitz_bound

    def potential(self) -> Potential:
        """Return the same function for numpy."""
        arrays = mapped(self.critic, lambda p: p[0].cpu())
        if isinstance(arrays, Cones):
            return ConePotential(
                centers=arrays.centers.numpy(),
                offsets=arrays.offsets[0].numpy(),
                temperature=float(arrays.log_temperatures.exp()),
                sign=arrays.signs[0],
                norm=arrays.ground_norm,
            )
        assert isinstance(arrays, Network)
        return NetworkPotential(
            weights=[w.numpy() for w in arrays.weights],
            biases=[b[0].numpy() for b in arrays.biases],
            activation=arrays.activations[0].name,
            group_size=arrays.activations[0].group_size,
        )


def evaluated(critic: Critic) -> EvaluatedCritic:
    """Convert a batch of one critic to float64 and certify it."""
    exact = mapped(critic, lambda p: p.detach().double())
    return EvaluatedCritic(
        exact,
        operator_norms=tuple(exact.operator_norms()[0].tolist()),
        lipschitz_bound=float(lipschitz_bound(exact)),
    )


def certificate(critic: EvaluatedCritic) -> Certificate:
    """Describe the certificate layer by layer."""
    return Certificate(
        lipschitz_bound=critic.lipschitz_bound,
        norm=critic.critic.ground_norm,
        layers=[
            LayerCertificate(
                rows=rows,
                columns=columns,
                operator_norm=norm,
                orthonormality_defect=defect,
            )
            for (rows, columns, defect), norm in zip(
                _layers(critic.critic), critic.operator_norms, strict=True
            )
        ],
    )


def _layers(critic: Critic) -> list[tuple[int, int, float | None]]:
    """Return rows, columns and the orthonormality defect of each layer."""
    if isinstance(critic, Cones):
        return [(*critic.centers.shape[1:], None)]
    assert isinstance(critic, Network)
    return [
        (*w.shape[1:], float(orthonormality_defect(w)) if critic.path == "l2" else None)
        for w in critic.weights
    ]
