"""Training methods: an optimizer moves raw parameters, a constraint says what they are.

A method answers three questions: what memory to start with, which critic the raw
parameters mean, and what one step changes.
"""

from dataclasses import dataclass

from torch import Tensor

from kantor.models.constraints import Constraint
from kantor.models.critic import C
from kantor.models.optimizers import Optimizer, Tensors


@dataclass(frozen=True)
class Method:
    """A constraint and an optimizer together."""

    constraint: Constraint
    optimizer: Optimizer

    def initial_memory(self, parameters: C) -> Tensors:
        """Return the optimizer's memory before the first step."""
        return self.optimizer.initial_memory(parameters.tensors())

    def effective(self, parameters: C) -> C:
        """Return the critic that is evaluated, differentiable in the parameters."""
        weights, others = _parted(parameters, parameters.tensors())
        return parameters.with_tensors((*self.constraint.effective(weights), *others))

    def restored(self, parameters: C) -> C:
        """Return parameters to where the constraint holds."""
        weights, others = _parted(parameters, parameters.tensors())
        return parameters.with_tensors((*self.constraint.restored(weights), *others))

    def step(
        self, parameters: C, memory: Tensors, gradients: Tensors, *, step: int,
        rates: Tensor,
    ) -> tuple[C, Tensors]:  # fmt: skip
        """Take one ascent step at rates (K, 1, 1), then restore the constraint."""
        moved, memory = self.optimizer.step(
            parameters.tensors(),
            memory,
            gradients,
            step=step,
            rates=rates,
            n_weights=parameters.n_weights,
        )
        return self.restored(parameters.with_tensors(moved)), memory


def _parted(critic: C, tensors: Tensors) -> tuple[Tensors, Tensors]:
    """Part the constrained weights from the other tensors."""
    return tensors[: critic.n_weights], tensors[critic.n_weights :]
