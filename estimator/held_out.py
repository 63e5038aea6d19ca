"""The chosen critic meets the test samples: values, their difference, its bounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimator.bounds import MeanBound, bernstein_bound, betting_bound, student_bound
from estimator.evaluation import EvaluatedCritic
from estimator.scoring import CriticFile
from estimator.sides import Samples, Sides
from estimator.split import Indices

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """Clamped critic values of the test samples over L, in scaled units.

    The clamp range [low, high] comes from fit and validation samples alone, so the test
    samples meet a function that was fixed before, bounded, and still 1-Lipschitz.
    """

    x: Array
    y: Array
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Mean difference between source and target."""
        return float(self.x.mean() - self.y.mean())

    def bounds(self, confidence: float) -> dict[str, MeanBound]:
        """Bound the expected difference by every method."""
        args = {"value_range": self.high - self.low, "confidence": confidence}
        return {
            "betting": betting_bound(self.x, self.y, **args),
            "bernstein": bernstein_bound(self.x, self.y, **args),
            "student": student_bound(self.x, self.y, confidence=confidence),
        }


def held_out_values(chosen: EvaluatedCritic, sides: Sides) -> HeldOut:
    """Evaluate the chosen critic: its range on fit and validation, then test, once."""

    def values(samples: Samples, *parts: Indices) -> Array:
        chunks = [chosen.values(samples[part], sides.scaler) for part in parts]
        return np.concatenate(chunks) / chosen.lipschitz_bound

    seen_x = values(sides.x, sides.split_x.fit, sides.split_x.validation)
    seen_y = values(sides.y, sides.split_y.fit, sides.split_y.validation)
    low = float(min(seen_x.min(), seen_y.min()))
    high = float(max(seen_x.max(), seen_y.max()))
    return HeldOut(
        x=np.clip(values(sides.x, sides.split_x.test), low, high),
        y=np.clip(values(sides.y, sides.split_y.test), low, high),
        low=low,
        high=high,
    )


def critic_file(chosen: EvaluatedCritic, sides: Sides, held_out: HeldOut) -> CriticFile:
    """Return the document of the evaluated critic."""
    arrays = chosen.critic.map(lambda p: p[0].cpu())
    return CriticFile(
        weights=[w.numpy() for w in arrays.weights],
        biases=[b[0].numpy() for b in arrays.biases],
        group_size=chosen.critic.group_sizes[0],
        scaler=sides.scaler,
        low=held_out.low,
        high=held_out.high,
        lipschitz_bound=chosen.lipschitz_bound,
    )
