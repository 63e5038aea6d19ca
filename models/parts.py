"""Critics that are built of equal parts, of which some may prove idle."""

from typing import Protocol, Self, runtime_checkable

from torch import Tensor

from kantor.models.critic import Critic


@runtime_checkable
class OfParts(Critic, Protocol):
    """K critics of N parts each, in whose values each part has a share."""

    @property
    def n_parts(self) -> int:
        """Number N of parts of each critic."""

    def shares(self, x: Tensor) -> Tensor:
        """Return each part's mean share (K, N) in the values at samples x (K, B, d).

        The shares of a critic's parts are at least 0 and add up to 1.
        """

    def narrowed(self, kept: Tensor) -> Self:
        """Return the critics with these of their parts alone: kept (K, M) -> M parts.

        Nothing else of them changes.
        """
