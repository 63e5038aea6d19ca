"""What a family of critics answers about itself; the rest is the same for all.

A family is one file: what its critics start from and how they move, what the
certificate says of their layers, what they are to a reader who has numpy alone, and
what won. Torch is imported where a family trains: its potentials are readable without.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.recipe import Recipe
from kantor.estimator.result import LayerCertificate
from kantor.models.vocabulary import Norm

if TYPE_CHECKING:
    from torch import Tensor

    from kantor.models.critic import Critic
    from kantor.models.methods import Method

Array = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]


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


class FitSamples(Protocol):
    """Scaled fit samples of every fold, as a family sees them before training."""

    def heads(self, count: int) -> "tuple[Tensor, Tensor]":
        """Return at most `count` rows of each side: (F, n, d) and (F, m, d).

        They are in random order.
        """


@dataclass(frozen=True)
class Start:
    """Critics before their first step, and how they move.

    Attributes:
        critic: Folds times candidates of them, fold by fold.
        method: How they move.
        rates: Step size of each candidate.
        batch_size: Samples of each side in a step.
        most_parts: Parts of a critic that go on after the first reports at most, where
            it is built of parts; None: all that are not idle.
        jitter: Length of the noise that samples of a step are moved by, of each fold;
            empty for none.
    """

    critic: "Critic"
    method: "Method"
    rates: tuple[float, ...]
    batch_size: int
    most_parts: int | None = None
    jitter: tuple[float, ...] = ()


class Family(Protocol):
    """One family of critics.

    Attributes:
        name: As in a result's `critic_family`.
        potential_type: What its critics are to numpy.
    """

    name: str
    potential_type: type[Potential]

    def layers(self, critic: "Critic") -> list[LayerCertificate]:
        """Describe the layers of a batch of one, in float64."""

    def potential(self, critic: "Critic") -> Potential:
        """Return a batch of one, on the CPU, as a function for numpy."""

    def winner(self, critic: "Critic") -> dict[str, Any]:
        """Return the settings that a critic which won stands for."""


class TrainedFamily(Family, Protocol):
    """A family whose critics are trained step by step."""

    def starts(
        self, samples: FitSamples, recipe: Recipe, *, seed: int, norm: Norm
    ) -> dict[str, Start]:
        """Return the candidates that compete on every fold, a team of each shape.

        Teams are named after the family, with a colon and what is theirs alone where
        there are several: `projection:4`.
        """


class FittedFamily(Family, Protocol):
    """A family whose critics are found at once."""

    def fitted(self, samples: FitSamples, *, norm: Norm) -> "list[list[Critic]]":
        """Return candidates for each fold, from its fit samples alone."""
