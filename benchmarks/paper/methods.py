"""The training methods that experiments name, with their step sizes."""

from kantor.estimator.config import OptimizerName
from kantor.estimator.recipe import DEFAULT_RATES
from kantor.models.constraints import (
    Bjorck,
    Constraint,
    Free,
    Parseval,
    RowBalls,
    Spectral,
    Stiefel,
    StiefelProjection,
)  # fmt: skip
from kantor.models.methods import Method
from kantor.models.optimizers import OPTIMIZERS

CONSTRAINTS: dict[str, Constraint] = {
    "none": Free(),
    "stiefel": StiefelProjection(),
    "bjorck": Bjorck(),
    "spectral": Spectral(),
    "parseval": Parseval(),
    "l1": RowBalls("linf"),
}


def method_of(
    constraint: str, optimizer: OptimizerName | None = None
) -> tuple[Method, float]:
    """Return a method by the names of the estimator's settings, and its step size."""
    chosen = optimizer or ("manifold" if constraint == "stiefel" else "adam")
    held = Stiefel() if chosen == "manifold" else CONSTRAINTS[constraint]
    return Method(held, OPTIMIZERS[chosen]()), DEFAULT_RATES[chosen]
