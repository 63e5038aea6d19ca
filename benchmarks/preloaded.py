"""Loads whatever a compared method imports, for `benchmarks.measurements`."""

from contextlib import suppress
from importlib import import_module

LIBRARIES = (
    "benchmarks.rivals",
    "kantor.estimator.pipeline",
    "matplotlib.figure",
    "ot",
    "sklearn.datasets",
    "torch._dynamo",
    "geomloss",
    "deel.torchlip",
    "wax",
)

for name in LIBRARIES:
    with suppress(ImportError):
        import_module(name)
