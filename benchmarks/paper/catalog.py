"""The experiments, by the names that the command line knows."""

from benchmarks.paper import (
    expressivity,
    generator,
    isometry,
    robustness,
    side_by_side,
    small_data,
    universality,
)
from benchmarks.paper.trials import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "expressivity": expressivity.EXPERIMENT,
    "isometry": isometry.EXPERIMENT,
    "generator": generator.EXPERIMENT,
    "robustness": robustness.EXPERIMENT,
    "small-data": small_data.EXPERIMENT,
    "universality": universality.EXPERIMENT,
    "side-by-side": side_by_side.EXPERIMENT,
}
