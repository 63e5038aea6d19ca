"""Make methods of flows: the same names, signatures and docstrings for both clients."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


def like(flow: Callable[..., Any]) -> Callable[[M], M]:
    """Give a method the name, docstring and parameters of a flow, after `self`."""

    def dress(method: M) -> M:
        functools.update_wrapper(method, flow, assigned=("__name__", "__doc__"))
        del method.__wrapped__  # type: ignore[attr-defined]
        given = inspect.signature(flow)
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = list(given.parameters.values())
        if parameters and parameters[0].name == "job":  # the job is `self`, or its id
            parameters = parameters[1:]
        method.__signature__ = given.replace(  # type: ignore[attr-defined]
            parameters=[own, *parameters], return_annotation=inspect.Signature.empty
        )
        return method

    return dress
