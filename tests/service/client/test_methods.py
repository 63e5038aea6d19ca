"""Both clients have the same methods, and editors can say what these take."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

import kantor
from kantor.service.client import AsyncJob, AsyncKantorClient, Job, KantorClient

ALIASES = {"witness"}
PAIRS = [(KantorClient, AsyncKantorClient), (Job, AsyncJob)]


def methods(kind: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("plain", "awaited"), PAIRS)
def test_both_have_the_same_methods_with_the_same_parameters(
    plain: type, awaited: type
) -> None:
    here, there = methods(plain), methods(awaited)
    assert here.keys() - ALIASES == there.keys()
    for name, method in there.items():
        given = [str(p) for p in inspect.signature(method).parameters.values()]
        wanted = [str(p) for p in inspect.signature(here[name]).parameters.values()]
        assert given == wanted


@pytest.mark.parametrize("kind", [kind for pair in PAIRS for kind in pair])
def test_every_method_says_what_it_does(kind: type) -> None:
    for name, method in methods(kind).items():
        assert method.__doc__, name
        assert method.__name__ == name or name in ALIASES


def test_a_method_shows_its_parameters() -> None:
    parameters = inspect.signature(KantorClient().submit).parameters
    assert list(parameters)[:3] == ["source", "target", "config"]
    assert "self" not in parameters


@pytest.mark.parametrize("name", ["KantorClient", "AsyncKantorClient"])
def test_a_client_loads_neither_torch_nor_fastapi(name: str) -> None:
    code = (
        f"import sys, kantor; kantor.{name}()\n"
        "sys.exit(bool({'torch', 'fastapi', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
    assert name in dir(kantor)
