"""Train K networks at once, by any method of `kantor.models`, on any objective."""

from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.paper.devices import fetched, placed
from kantor.models.critic import C, mapped
from kantor.models.methods import Method

DESCENT_SHARE = 0.4
"""Share of the steps, the last ones, over which the step size falls to zero."""


def trapezoid(step: int, steps: int) -> float:
    """Return the step size as a share: constant first, then linear to zero."""
    return min(1.0, (steps - step) / (DESCENT_SHARE * steps))


def ascended(
    start: C,
    method: Method,
    objective: Callable[[C, int], Tensor],
    *,
    steps: int,
    rates: Tensor | float,
) -> C:
    """Return what gradient ascent on an objective makes of K networks.

    It runs where `devices` says; the objective gets networks there.

    Args:
        start: Where the parameters begin.
        method: How they are constrained and moved.
        objective: (networks as they are evaluated, step from 0 on) -> values (K,).
        steps: Optimizer updates, at least 1.
        rates: Step size, or one of each network (K, 1, 1).
    """
    way = ascent(placed(start), method, objective, steps=steps, rates=rates)
    (parameters,) = deque(way, maxlen=1)
    return fetched(evaluated(parameters, method))


def ascent(
    start: C,
    method: Method,
    objective: Callable[[C, int], Tensor],
    *,
    steps: int,
    rates: Tensor | float,
    pace: Callable[[int, int], float] = trapezoid,
) -> Iterator[C]:
    """Yield the raw parameters after each step; arguments as of `ascended`.

    `pace` gives the share of the step size at (step, steps).
    """
    parameters = mapped(method.restored(start), Tensor.detach)
    memory = method.initial_memory(parameters)
    rates = torch.as_tensor(rates)
    for step in range(steps):
        leaves = mapped(parameters, lambda p: p.detach().requires_grad_())
        values = objective(method.effective(leaves), step)
        gradients = torch.autograd.grad(values.sum(), leaves.tensors())
        with torch.no_grad():
            parameters, memory = method.step(
                leaves, memory, gradients, step=step, rates=rates * pace(step, steps)
            )
        yield parameters


def evaluated(parameters: C, method: Method) -> C:
    """Return the networks that raw parameters mean, apart from any graph."""
    return mapped(method.effective(parameters), Tensor.detach)
