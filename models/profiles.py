"""Critics of one scalar feature: a function g on the line of a projection or a radius.

    f(x) = g(<v, x>)   or   f(x) = g(|x - a|)

A projection on v of dual norm 1 and a distance are 1-Lipschitz; g is piecewise linear
between knots and constant beyond them, so that its constant is its largest slope. On
the line the best g is known exactly: see `kantor.estimator.critics.profile`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kantor.models.members import Members
from kantor.models.norms import ROUNDING
from kantor.models.vocabulary import Norm


@dataclass(frozen=True)
class Profiles(Members):
    """Parameters of K critics with M knots each.

    Attributes:
        points: Directions v, or centers a (K, 1, d).
        knots: Arguments of g in ascending order (K, 1, M).
        heights: Values of g at the knots (K, 1, M).
        radial: Which of the critics look at distances to their point.
        ground_norm: Norm that distances and slopes refer to.
    """

    own = "radial"

    points: Tensor
    knots: Tensor
    heights: Tensor
    radial: tuple[bool, ...]
    ground_norm: Norm = "l2"

    @property
    def n_critics(self) -> int:
        """Number K of critics in the batch."""
        return self.points.shape[0]

    @property
    def dim(self) -> int:
        """Number d of features of a sample."""
        return self.points.shape[-1]

    @property
    def n_weights(self) -> int:
        """None: nothing here is trained."""
        return 0

    def tensors(self) -> tuple[Tensor, ...]:
        """Return points, knots and heights."""
        return self.points, self.knots, self.heights

    def with_tensors(self, tensors: Sequence[Tensor]) -> "Profiles":
        """Return critics with other parameters."""
        points, knots, heights = tensors
        return replace(self, points=points, knots=knots, heights=heights)

    def operator_norms(self) -> Tensor:
        """Return the constants (K, 2) of feature and g, in float64."""
        order = 2.0 if self.ground_norm == "l2" else 1.0  # of the dual norm
        lengths = torch.linalg.vector_norm(self.points.double(), order, dim=(1, 2))
        radial = torch.tensor(self.radial, device=lengths.device)
        features = torch.where(radial, torch.ones_like(lengths), lengths)
        slopes = self.slopes().double().abs().amax((1, 2))
        return torch.stack([features, slopes], dim=-1) * (1.0 + ROUNDING)

    def slopes(self) -> Tensor:
        """Return the slope of g between knots (K, 1, M - 1)."""
        return self.heights.diff(dim=-1) / self.knots.diff(dim=-1)

    def features(self, x: Tensor) -> Tensor:
        """Return the feature of each critic: x (K, B, d) -> (K, B)."""
        order = 2.0 if self.ground_norm == "l2" else float("inf")
        radial = torch.tensor(self.radial, device=x.device)[:, None]
        along = (x @ self.points.mT).squeeze(-1)
        if not any(self.radial):
            return along
        distances = torch.linalg.vector_norm(x - self.points, order, dim=-1)
        return torch.where(radial, distances, along)

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate every critic: x (K, B, d) or (B, d) for all -> values (K, B)."""
        z = x.to(self.points.dtype)
        z = z if z.dim() == 3 else z.expand(self.n_critics, *z.shape)
        knots, heights = self.knots.squeeze(1), self.heights.squeeze(1)
        at = self.features(z).clamp(knots[:, :1], knots[:, -1:])
        place = torch.searchsorted(knots, at.contiguous()).clamp(1, knots.shape[1] - 1)
        left = place - 1
        slopes = self.slopes().squeeze(1).gather(1, left)
        return heights.gather(1, left) + slopes * (at - knots.gather(1, left))
