"""Critics by numpy alone: values and gradients of one network, or of one set of cones.

The same functions as in `kantor.models`, written once more for readers of a critic's
document who have no torch; a test holds the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

Array = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]

TIP = 1e-4
LEAK = 0.01


class Potential(Protocol):
    """One critic on scaled samples u (n, d), before clamping and division by L."""

    def __call__(self, u: Array) -> Array:
        """Return values (n,)."""

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d), one of them where several exist."""

    def to_tensors(self) -> Tensors:
        """Return the arrays of the document."""

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Self:
        """Read what `to_tensors` wrote."""


@dataclass(frozen=True)
class NetworkPotential:
    """v . s(W_L ... s(W_1 u + b_1) ... + b_L).

    Attributes:
        weights: W (out, in) of each layer; the last has one row.
        biases: b (out,) of each hidden layer.
        activation: Name as in `kantor.models.activations.Activation`.
        group_size: Units that it takes together, where it groups.
    """

    weights: list[Array]
    biases: list[Array]
    activation: str
    group_size: int

    def __call__(self, u: Array) -> Array:
        """Return values (n,)."""
        z = u
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z = self._activation(z @ w.T + b)[0]
        return np.asarray(z @ self.weights[-1][0])

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d) by backpropagation."""
        z, pullbacks = u, []
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z, pullback = self._activation(z @ w.T + b)
            pullbacks.append(pullback)
        gradient = np.repeat(self.weights[-1], len(u), axis=0)
        for w, pullback in zip(self.weights[-2::-1], pullbacks[::-1], strict=True):
            gradient = pullback(gradient) @ w
        return gradient

    def _activation(self, z: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Return the activation of z (n, width), and the map of gradients back."""
        sizes = {"maxmin": 2, "fullsort": z.shape[1], "groupsort": self.group_size}
        if self.activation in sizes:
            return _sorted(z, sizes[self.activation])
        if self.activation == "maxout":
            return _maxima(z, self.group_size)
        value, slope = _UNITWISE[self.activation](z)
        return value, lambda gradient: gradient * slope

    def to_tensors(self) -> Tensors:
        """Return the arrays of the document."""
        return (
            {f"weights.{i}": w for i, w in enumerate(self.weights)}
            | {f"biases.{i}": b for i, b in enumerate(self.biases)}
            | {
                "group_size": np.array([self.group_size], dtype=np.int64),
                "activation": np.frombuffer(self.activation.encode(), dtype=np.uint8),
            }
        )

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Self:
        """Read what `to_tensors` wrote."""
        layers = sum(name.startswith("weights.") for name in tensors)
        return cls(
            weights=[np.asarray(tensors[f"weights.{i}"], float) for i in range(layers)],
            biases=[
                np.asarray(tensors[f"biases.{i}"], float) for i in range(layers - 1)
            ],
            activation=tensors["activation"].tobytes().decode(),
            group_size=int(tensors["group_size"][0]),
        )


def _sorted(z: Array, size: int) -> tuple[Array, Callable[[Array], Array]]:
    groups = z.reshape(len(z), -1, size)
    order = np.argsort(groups, axis=-1, kind="stable")

    def pullback(gradient: Array) -> Array:
        back = np.empty_like(groups)
        np.put_along_axis(back, order, gradient.reshape(groups.shape), axis=-1)
        return back.reshape(z.shape)

    return np.take_along_axis(groups, order, axis=-1).reshape(z.shape), pullback


def _maxima(z: Array, size: int) -> tuple[Array, Callable[[Array], Array]]:
    groups = z.reshape(len(z), -1, size)
    place = groups.argmax(-1)[..., None]

    def pullback(gradient: Array) -> Array:
        back = np.zeros_like(groups)
        np.put_along_axis(back, place, gradient[..., None], axis=-1)
        return back.reshape(z.shape)

    return np.take_along_axis(groups, place, axis=-1)[..., 0], pullback


def _sigmoid(z: Array) -> tuple[Array, Array]:
    s = expit(z)
    return 4.0 * s, 4.0 * s * (1.0 - s)


_UNITWISE: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "abs": lambda z: (np.abs(z), np.sign(z)),
    "relu": lambda z: (np.maximum(z, 0.0), (z > 0.0).astype(float)),
    "leaky_relu": lambda z: (
        np.where(z > 0.0, z, LEAK * z),
        np.where(z > 0.0, 1.0, LEAK),
    ),
    "tanh": lambda z: (np.tanh(z), 1.0 - np.tanh(z) ** 2),
    "sigmoid": _sigmoid,
}


@dataclass(frozen=True)
class ConePotential:
    """-s T log sum_j exp(-(|u - a_j| + b_j) / T).

    Attributes:
        centers: a (N, d).
        offsets: b (N,).
        temperature: T > 0.
        sign: s, 1 or -1.
        norm: Ground norm, l2 or linf.
    """

    centers: Array
    offsets: Array
    temperature: float
    sign: int
    norm: str

    def __call__(self, u: Array) -> Array:
        """Return values (n,)."""
        heights = (self._distances(u) + self.offsets) / self.temperature
        return np.asarray(-self.sign * self.temperature * logsumexp(-heights, axis=1))

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d): the cones' slopes, averaged by their shares."""
        distances = self._distances(u)
        shares = softmax(-(distances + self.offsets) / self.temperature, axis=1)
        if self.norm == "linf":
            return self.sign * self._linf_slopes(u, shares)
        shares = shares / distances
        pull = shares.sum(1)[:, None] * u - shares @ self.centers
        return np.asarray(self.sign * pull)

    def _linf_slopes(self, u: Array, shares: Array) -> Array:
        slopes = np.zeros_like(u)
        rows = np.arange(len(u))
        for center, share in zip(self.centers, shares.T, strict=True):
            offset = u - center
            largest = np.abs(offset).argmax(1)
            slopes[rows, largest] += share * np.sign(offset[rows, largest])
        return slopes

    def _distances(self, u: Array) -> Array:
        if self.norm == "linf":
            return np.stack([np.abs(u - a).max(1) for a in self.centers], axis=1)
        squares = (u * u).sum(1)[:, None] - 2.0 * u @ self.centers.T
        squares += (self.centers * self.centers).sum(1)
        return np.asarray(np.sqrt(np.maximum(squares, 0.0) + TIP * TIP))

    def to_tensors(self) -> Tensors:
        """Return the arrays of the document."""
        return {
            "centers": self.centers,
            "offsets": self.offsets,
            "temperature": np.array([self.temperature]),
            "sign": np.array([self.sign], dtype=np.int64),
            "norm": np.frombuffer(self.norm.encode(), dtype=np.uint8),
        }

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Self:
        """Read what `to_tensors` wrote."""
        return cls(
            centers=np.asarray(tensors["centers"], float),
            offsets=np.asarray(tensors["offsets"], float),
            temperature=float(tensors["temperature"][0]),
            sign=int(tensors["sign"][0]),
            norm=tensors["norm"].tobytes().decode(),
        )


def potential_from(tensors: Tensors) -> Potential:
    """Read the potential of either family."""
    family = ConePotential if "centers" in tensors else NetworkPotential
    return family.from_tensors(tensors)
