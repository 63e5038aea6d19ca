"""The critic as a small safetensors document, and its values by numpy alone.

The document holds the critic that made the estimate, whole: weights, biases, group
size, the scaling of its inputs, its clamp range and its certified Lipschitz bound.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from estimator.errors import InvalidSamples
from estimator.scaling import Scaler

Array = NDArray[np.float64]

_ROWS = 4096


@dataclass(frozen=True)
class CriticFile:
    """One evaluated critic: potential(x) = unit * clamp(f(scaled x) / L, low, high).

    The potential is 1-Lipschitz in the user's metric, up to rounding, and its mean
    difference between test samples is the estimate.
    """

    weights: list[Array]
    biases: list[Array]
    group_size: int
    scaler: Scaler
    low: float
    high: float
    lipschitz_bound: float

    def to_bytes(self) -> bytes:
        """Serialize as safetensors."""
        tensors = {f"weights.{i}": w for i, w in enumerate(self.weights)}
        tensors |= {f"biases.{i}": b for i, b in enumerate(self.biases)}
        tensors["scaler.center"] = self.scaler.center
        tensors["scaler.deviation"] = self.scaler.deviation
        tensors["scaler.unit"] = np.array([self.scaler.unit])
        tensors["clamp"] = np.array([self.low, self.high])
        tensors["lipschitz_bound"] = np.array([self.lipschitz_bound])
        tensors["group_size"] = np.array([self.group_size], dtype=np.int64)
        return save({name: np.ascontiguousarray(t) for name, t in tensors.items()})

    @classmethod
    def from_bytes(cls, document: bytes) -> "CriticFile":
        """Read what `to_bytes` wrote."""
        tensors = load(document)
        layers = sum(name.startswith("weights.") for name in tensors)
        low, high = tensors["clamp"]
        return cls(
            weights=[tensors[f"weights.{i}"] for i in range(layers)],
            biases=[tensors[f"biases.{i}"] for i in range(layers - 1)],
            group_size=int(tensors["group_size"][0]),
            scaler=Scaler(
                tensors["scaler.center"],
                tensors["scaler.deviation"],
                float(tensors["scaler.unit"][0]),
            ),
            low=float(low),
            high=float(high),
            lipschitz_bound=float(tensors["lipschitz_bound"][0]),
        )

    def network(self, u: Array) -> Array:
        """Evaluate f on scaled samples u (n, d) -> (n,)."""
        z = u
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z = z @ w.T + b
            groups = z.reshape(len(z), -1, self.group_size)
            z = np.sort(groups, axis=-1).reshape(z.shape)
        return np.asarray(z @ self.weights[-1][0])

    def potential(self, x: NDArray[np.generic]) -> Array:
        """Evaluate the critic on samples x (n, d) in the user's units -> (n,)."""
        chunks = [
            self.network(self.scaler(x[i : i + _ROWS])) for i in range(0, len(x), _ROWS)
        ]
        values = np.concatenate(chunks) / self.lipschitz_bound
        return np.clip(values, self.low, self.high) * self.scaler.unit


def score(critic: bytes, samples: NDArray[np.generic]) -> Array:
    """Return the critic's potential of each sample (n, d) -> (n,).

    High values lie where the source outweighs the target. Needs numpy alone.

    Raises:
        InvalidSamples: The samples have another dimension than the critic.
    """
    file = CriticFile.from_bytes(critic)
    dim = len(file.scaler.center)
    if samples.ndim != 2 or samples.shape[1] != dim:
        raise InvalidSamples(
            "samples", f"expected shape (n, {dim}), got {samples.shape}"
        )
    return file.potential(samples)
