"""The critic as a small safetensors document, and its values by numpy alone.

The document holds the critic that made the estimate, whole: its parameters, the scaling
of its inputs, its clamp range and its certified Lipschitz bound.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from kantor.estimator.critics import Potential, family_named
from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.scaling import Scaler

Array = NDArray[np.float64]

_ROWS, _ENTRIES = 4096, 2**22


@dataclass(frozen=True)
class CriticFile:
    """One evaluated critic: potential(x) = unit * clamp(f(scaled x) / L, low, high).

    The potential is 1-Lipschitz in the user's metric, up to rounding, and its mean
    difference between test samples is the estimate.
    """

    family: str
    function: Potential
    scaler: Scaler
    low: float
    high: float
    lipschitz_bound: float

    def to_bytes(self) -> bytes:
        """Serialize as safetensors."""
        tensors = self.function.to_tensors() | {
            "family": np.frombuffer(self.family.encode(), dtype=np.uint8),
            "scaler.center": self.scaler.center,
            "scaler.deviation": self.scaler.deviation,
            "scaler.unit": np.array([self.scaler.unit]),
            "clamp": np.array([self.low, self.high]),
            "lipschitz_bound": np.array([self.lipschitz_bound]),
        }
        return save({name: np.ascontiguousarray(t) for name, t in tensors.items()})

    @classmethod
    def from_bytes(cls, document: bytes) -> "CriticFile":
        """Read what `to_bytes` wrote."""
        tensors = load(document)
        low, high = tensors["clamp"]
        family = tensors["family"].tobytes().decode()
        return cls(
            family=family,
            function=family_named(family).potential_type.from_tensors(tensors),
            scaler=Scaler(
                tensors["scaler.center"],
                tensors["scaler.deviation"],
                float(tensors["scaler.unit"][0]),
            ),
            low=float(low),
            high=float(high),
            lipschitz_bound=float(tensors["lipschitz_bound"][0]),
        )

    def potential(self, x: NDArray[np.generic]) -> Array:
        """Evaluate the critic on samples x (n, d) in the user's units -> (n,)."""
        return self.clamped(self._by_chunks(self.function, x) / self.lipschitz_bound)

    def clamped(self, values: Array) -> Array:
        """Turn values f / L of scaled samples into potentials in the user's units."""
        return np.clip(values, self.low, self.high) * self.scaler.unit

    def gradient(self, x: NDArray[np.generic]) -> Array:
        """Return the gradient (n, d) of the unclamped potential, in the user's units.

        Its norm is at most 1 in the dual of the ground norm, and close to 1 almost
        everywhere for critics that keep gradients.
        """
        slopes = self._by_chunks(self.function.gradient, x) / self.lipschitz_bound
        return np.asarray(slopes / self.scaler.deviation)

    def _by_chunks(
        self, function: Callable[[Array], Array], x: NDArray[np.generic]
    ) -> Array:
        widest = max(len(t) for t in self.function.to_tensors().values())
        rows = min(_ROWS, max(1, _ENTRIES // widest))
        starts = range(0, len(x), rows)
        return np.concatenate(
            [function(self.scaler.for_critic(x[i : i + rows])) for i in starts]
        )


def score(critic: bytes, samples: NDArray[np.generic]) -> Array:
    """Return the critic's potential of each sample (n, d) -> (n,).

    High values lie where the source outweighs the target. Needs numpy and safetensors
    alone.

    Raises:
        InvalidSamples: The samples have another dimension than the critic.
    """
    return fitting_critic(critic, samples).potential(samples)


def fitting_critic(critic: bytes, samples: NDArray[np.generic]) -> CriticFile:
    """Read a critic's document, for samples of its dimension.

    Raises:
        InvalidSamples: The samples have another dimension than the critic.
    """
    file = CriticFile.from_bytes(critic)
    dim = len(file.scaler.center)
    if samples.ndim != 2 or samples.shape[1] != dim:
        raise InvalidSamples(
            "samples", f"expected shape (n, {dim}), got {samples.shape}"
        )
    return file
