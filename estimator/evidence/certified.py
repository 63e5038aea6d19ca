"""Evaluate a trained critic in float64, and certify the very weights used for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kantor.estimator.critics import Family, Potential, family_named
from kantor.estimator.errors import stop_where_asked
from kantor.estimator.result import Certificate
from kantor.estimator.samples.pair import Samples
from kantor.estimator.samples.scaling import Scaler
from kantor.models.critic import Critic, lipschitz_bound, mapped

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
    family: Family
    lipschitz_bound: float

    def values(
        self,
        samples: Samples,
        scaler: Scaler,
        *,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Array:
        """Return f / L of samples (n, d) -> (n,), in chunks.

        Each goes to its place at once: kept one by one between the large blocks that a
        forward pass needs and frees, they would keep these from being used again, and
        ten million rows took more than a gigabyte.

        Raises:
            EstimationStopped: `should_stop`, asked before every chunk, answered true;
                without a checkpoint.
        """
        device = self.critic.tensors()[0].device
        widest = max(p.shape[-2] for p in self.critic.tensors())
        rows = min(_ROWS, max(1, _ENTRIES // widest))
        values = np.empty(len(samples))
        with torch.no_grad():
            for start in range(0, len(samples), rows):
                stop_where_asked(should_stop)
                part = slice(start, start + rows)
                u = torch.from_numpy(scaler.for_critic(samples[part])).to(device)
                values[part] = self.critic(u)[0].cpu().numpy()
        values /= self.lipschitz_bound
        return values

    def potential(self) -> Potential:
        """Return the same function for numpy."""
        return self.family.potential(mapped(self.critic, lambda p: p.cpu()))

    def certificate(self) -> Certificate:
        """Describe the certificate layer by layer."""
        return Certificate(
            lipschitz_bound=self.lipschitz_bound,
            norm=self.critic.ground_norm,
            layers=self.family.layers(self.critic),
        )


def evaluated(critic: Critic, family: str) -> EvaluatedCritic:
    """Convert a batch of one critic to float64 and certify it."""
    exact = mapped(critic, lambda p: p.detach().double())
    return EvaluatedCritic(
        exact, family_named(family), lipschitz_bound=float(lipschitz_bound(exact))
    )
