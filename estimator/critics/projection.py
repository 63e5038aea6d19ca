"""Cones on learned projections: distances to flats; see `kantor.models.projections`.

    f(x) = -s T log sum_j exp(-(|A_j x - c_j| + b_j) / T),   ||A_j|| <= 1

Which rank a problem asks for is not known beforehand, and a wrong one finds little, so
that several compete, peaks and valleys of each.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kantor.estimator.critics.cones import (
    PEAKS,
    TIP,
    VALLEYS,
    logsumexp,
    shape_of,
    softmax,
)
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
    from kantor.models.critic import Critic
    from kantor.models.projections import Projections

RATE = 0.007
"""Step size of shifts and offsets, as a share of the data's spread."""

FEWEST, MOST = 4, 32
"""Cones of a critic: as many as the rows of all of them allow, within these."""

PLANES = 128
"""Planes that start, of which the idle go: see `kantor.estimator.training.thinning`.

Which planes are found is a matter of where they start. Flats of larger ranks turn
wherever they are needed; where more of them start, wrong ranks lead early, and the
right one leaves the race (flats-16d-many: 0.94 of W1 became 0.43).
"""


@dataclass(frozen=True)
class ProjectionPotential:
    """-s T log sum_j exp(-(|A_j u - c_j| + b_j) / T).

    Attributes:
        contractions: A (N, r, d).
        shifts: c (N, r).
        offsets: b (N,).
        temperature: T > 0.
        sign: s, 1 or -1.
    """

    contractions: Array
    shifts: Array
    offsets: Array
    temperature: float
    sign: int

    def __call__(self, u: Array) -> Array:
        """Return values (n,)."""
        _, heights = self._projected(u)
        lowest = logsumexp(-(heights + self.offsets) / self.temperature)
        return np.asarray(-self.sign * self.temperature * lowest)

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d): the cones' slopes, averaged by their shares."""
        z, heights = self._projected(u)
        shares = softmax(-(heights + self.offsets) / self.temperature) / heights
        pull = (z * shares[:, :, None]).reshape(len(u), -1)
        return np.asarray(self.sign * pull @ self._rows())

    def _projected(self, u: Array) -> tuple[Array, Array]:
        """Return A u - c (n, N, r) and its lengths (n, N)."""
        z = (u @ self._rows().T).reshape(len(u), *self.shifts.shape) - self.shifts
        return z, np.sqrt((z * z).sum(-1) + TIP * TIP)

    def _rows(self) -> Array:
        return self.contractions.reshape(-1, self.contractions.shape[-1])

    def to_tensors(self) -> Tensors:
        """Return the arrays of the document."""
        return {
            "contractions": self.contractions,
            "shifts": self.shifts,
            "offsets": self.offsets,
            "temperature": np.array([self.temperature]),
            "sign": np.array([self.sign], dtype=np.int64),
        }

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Self:
        """Read what `to_tensors` wrote."""
        return cls(
            contractions=np.asarray(tensors["contractions"], float),
            shifts=np.asarray(tensors["shifts"], float),
            offsets=np.asarray(tensors["offsets"], float),
            temperature=float(tensors["temperature"][0]),
            sign=int(tensors["sign"][0]),
        )


class ProjectionFamily:
    """Peaks at source samples and valleys at target ones, of each competing rank."""

    name: str = "projection"
    potential_type: type[Potential] = ProjectionPotential

    def starts(
        self, samples: FitSamples, recipe: Recipe, *, seed: int, norm: Norm
    ) -> dict[str, Start]:
        """Return a start per rank; none for linf, where contractions are no such."""
        dim = samples.heads(1)[0].shape[-1]
        fitting = [r for r in recipe.projections.ranks if r <= max(1, dim // 2)]
        return {
            f"{self.name}:{rank}": self._start(samples, recipe, rank, seed)
            for rank in fitting
            if norm == "l2"
        }

    def _start(
        self, samples: FitSamples, recipe: Recipe, rank: int, seed: int
    ) -> Start:
        import torch

        from kantor.models.constraints import Contractions
        from kantor.models.methods import Method
        from kantor.models.optimizers import Adam, BlockAscent
        from kantor.models.projections import initial_projections

        asked = recipe.projections
        most = max(FEWEST, min(MOST, asked.rows // rank))
        starting = PLANES if rank == 1 else most
        source, target = samples.heads(min(starting, asked.most_cones))
        count = min(source.shape[1], target.shape[1])
        centers = torch.stack([source[:, :count], target[:, :count]], dim=1)
        generator = torch.Generator().manual_seed((seed + rank) % 2**63)
        return Start(
            critic=initial_projections(
                centers.flatten(0, 1),
                rank=rank,
                signs=(PEAKS, VALLEYS) * len(source),
                generator=generator,
            ),
            method=Method(
                Contractions(rank),
                BlockAscent(rank, Adam(factors=(rank**-0.5, 1.0, 1.0))),
            ),
            rates=(RATE, RATE),
            batch_size=asked.batch_size,
            most_parts=most,
        )

    def layers(self, critic: "Critic") -> list[LayerCertificate]:
        """Describe all contractions as one layer, of the largest norm among them."""
        projections = as_projections(critic)
        _, rows, columns = projections.contractions.shape
        return [
            LayerCertificate(
                rows=rows,
                columns=columns,
                operator_norm=float(projections.operator_norms()),
                orthonormality_defect=None,
            )
        ]

    def potential(self, critic: "Critic") -> Potential:
        """Return the cones for numpy."""
        projections = as_projections(critic)
        rank = projections.rank
        return ProjectionPotential(
            contractions=projections.contractions[0]
            .reshape(-1, rank, projections.dim)
            .numpy(),
            shifts=projections.shifts[0].numpy(),
            offsets=projections.offsets[0, 0].numpy(),
            temperature=float(projections.log_temperatures.exp()),
            sign=projections.signs[0],
        )

    def winner(self, critic: "Critic") -> dict[str, Any]:
        """Return how many cones, of which rank, and which way up they stand."""
        projections = as_projections(critic)
        return {
            "cones": projections.shifts.shape[1],
            "rank": projections.rank,
            "shape": shape_of(projections.signs[0]),
        }


def as_projections(critic: "Critic") -> "Projections":
    """Return the critic as what it is in this family."""
    from kantor.models.projections import Projections

    assert isinstance(critic, Projections)
    return critic
