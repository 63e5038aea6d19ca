"""Cones: McShane's extension with learned centers; see `kantor.models.cones`.

f(x) = -s T log sum_j exp(-(|x - a_j| + b_j) / T),   s = +1 or -1
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kantor.estimator.critics.family import (
    Array,
    FitSamples,
    Potential,
    Start,
    Tensors,
)
from kantor.estimator.recipe import Recipe
from kantor.estimator.result import LayerCertificate
from kantor.models.vocabulary import Norm

if TYPE_CHECKING:
    from kantor.models.cones import Cones
    from kantor.models.critic import Critic

TIP = 1e-4

PEAKS, VALLEYS = -1, 1

OFFSET_PACE = 0.05
"""Share of the rate at which offsets move.

A cone that rises faster than centers find their places outshines all others for good.
"""

RATE = 0.03
"""Step size, as a share of the data's spread."""


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
        return np.asarray(-self.sign * self.temperature * logsumexp(-heights))

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d): the cones' slopes, averaged by their shares."""
        distances = self._distances(u)
        shares = softmax(-(distances + self.offsets) / self.temperature)
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


class ConeFamily:
    """Peaks centered at source samples and valleys at target ones.

    Where the optimal potential has few peaks and many valleys, or the other way round,
    one of them needs far fewer cones; which, is for validation to say.
    """

    name: str = "cones"
    potential_type: type[Potential] = ConePotential

    def starts(
        self, samples: FitSamples, recipe: Recipe, *, seed: int, norm: Norm
    ) -> dict[str, Start]:
        """Return cones of equal height at samples.

        Samples have norm about 1, so that a coordinate spreads by d^(-1/2): centers
        move at this share of the rate of log-temperatures. Many cones start; those that
        turn out to be idle are dropped, and in a second team all but few: see
        `kantor.estimator.training.thinning`.
        """
        import torch

        from kantor.models.cones import initial_cones
        from kantor.models.constraints import Free
        from kantor.models.methods import Method
        from kantor.models.optimizers import Adam

        source, target = samples.heads(recipe.cones.count)
        folds, dim = len(source), source.shape[-1]
        count = min(source.shape[1], target.shape[1])
        centers = torch.stack([source[:, :count], target[:, :count]], dim=1)
        critic = initial_cones(
            centers.flatten(0, 1), signs=(PEAKS, VALLEYS) * folds, norm=norm
        )
        limits = {self.name: recipe.cones.most}
        if recipe.cones.few < recipe.cones.most:
            limits[f"{self.name}:few"] = recipe.cones.few
        return {
            name: Start(
                critic=critic,
                method=Method(Free(), Adam(factors=(dim**-0.5, OFFSET_PACE, 1.0))),
                rates=(RATE, RATE),
                batch_size=recipe.cones.batch_size,
                most_parts=most,
            )
            for name, most in limits.items()
        }

    def layers(self, critic: "Critic") -> list[LayerCertificate]:
        """Describe all cones as one layer: a row a cone, of slope 1."""
        cones = as_cones(critic)
        _, rows, columns = cones.centers.shape
        norm = float(cones.operator_norms())
        return [
            LayerCertificate(
                rows=rows,
                columns=columns,
                operator_norm=norm,
                orthonormality_defect=None,
            )
        ]

    def potential(self, critic: "Critic") -> Potential:
        """Return the cones for numpy."""
        cones = as_cones(critic)
        return ConePotential(
            centers=cones.centers[0].numpy(),
            offsets=cones.offsets[0, 0].numpy(),
            temperature=float(cones.log_temperatures.exp()),
            sign=cones.signs[0],
            norm=cones.ground_norm,
        )

    def winner(self, critic: "Critic") -> dict[str, Any]:
        """Return how many cones, and which way up they stand."""
        cones = as_cones(critic)
        return {"cones": cones.centers.shape[1], "shape": shape_of(cones.signs[0])}


def shape_of(sign: int) -> str:
    """Return which way up cones of a sign stand."""
    return "peaks" if sign == PEAKS else "valleys"


def as_cones(critic: "Critic") -> "Cones":
    """Return the critic as what it is in this family."""
    from kantor.models.cones import Cones

    assert isinstance(critic, Cones)
    return critic


def logsumexp(z: Array) -> Array:
    """Return log sum exp along the last axis, with no SciPy: (n, N) -> (n,)."""
    largest = z.max(1)
    return np.asarray(largest + np.log(np.exp(z - largest[:, None]).sum(1)))


def softmax(z: Array) -> Array:
    """Return exp(z) over its sum along the last axis: (n, N) -> (n, N)."""
    shares = np.exp(z - z.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))
