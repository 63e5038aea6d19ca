"""Words that critics and their settings share; free of torch."""

from typing import Literal

Norm = Literal["l2", "linf"]
"""Ground norm on R^d that distances and Lipschitz constants refer to."""

ActivationName = Literal[
    "groupsort", "maxmin", "fullsort", "maxout", "abs", "relu", "leaky_relu", "tanh",
    "sigmoid",
]  # fmt: skip

GROUPING: tuple[ActivationName, ...] = ("groupsort", "maxout")
"""Activations whose groups have a size of their own to choose."""
