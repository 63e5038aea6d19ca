"""What routes ask for costs little: it is solved anew for every request."""

import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from kantor.service.api import app

MOST = 5


def solved(route: APIRoute) -> list[Dependant]:
    """Return every dependency that a request to a route goes through."""

    def below(dependant: Dependant) -> Iterator[Dependant]:
        for each in dependant.dependencies:
            yield each
            yield from below(each)

    return list(below(route.dependant))


@pytest.mark.parametrize("module", app._ROUTES, ids=lambda module: module.__name__)
def test_routes_ask_for_little_and_need_no_thread(module: ModuleType) -> None:
    for route in module.router.routes:
        found = solved(route)
        assert len(found) <= MOST, route.path
        assert all(inspect.iscoroutinefunction(each.call) for each in found)
