"""Evaluate a trained critic in float64, and certify the very weights used for it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from estimator.result import Certificate, LayerCertificate
from estimator.scaling import Scaler
from models.certificate import lipschitz_bound, operator_norms, orthonormality_defect
from models.critic import Critic

Array = NDArray[np.float64]

_ROWS = 8192

FORWARD_ROUNDING = 1e-9
"""Relative rounding of a float64 forward pass, allowed for in sample bounds.

Each of fewer than 20 layers errs by at most in * eps <= 4096 * 2.3e-16 relative to the
norm of its input, 2e-11 in all.
"""


@dataclass(frozen=True)
class EvaluatedCritic:
    """One critic in float64 with its certificate; values in scaled units."""

    critic: Critic
    lipschitz_bound: float

    def values(self, samples: NDArray[np.generic], scaler: Scaler) -> Array:
        """Return f of samples (n, d) -> (n,), in chunks."""
        device = self.critic.weights[0].device
        chunks = []
        with torch.no_grad():
            for start in range(0, len(samples), _ROWS):
                scaled = scaler(samples[start : start + _ROWS])
                u = torch.from_numpy(scaled).to(device)
                chunks.append(self.critic(u)[0].cpu().numpy())
        return np.concatenate(chunks)


def evaluated(critic: Critic) -> EvaluatedCritic:
    """Convert a batch of one critic to float64 and certify it."""
    exact = critic.map(lambda p: p.detach().double())
    return EvaluatedCritic(exact, float(lipschitz_bound(exact)))


def certificate(evaluated_critic: EvaluatedCritic) -> Certificate:
    """Describe the certificate layer by layer."""
    critic = evaluated_critic.critic
    norms = operator_norms(critic)[0]
    layers = [
        LayerCertificate(
            rows=w.shape[-2],
            columns=w.shape[-1],
            operator_norm=float(norm),
            orthonormality_defect=float(orthonormality_defect(w)),
        )
        for w, norm in zip(critic.weights, norms, strict=True)
    ]
    return Certificate(
        lipschitz_bound=evaluated_critic.lipschitz_bound, norm="l2", layers=layers
    )
