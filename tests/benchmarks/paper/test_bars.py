"""What the paper claims, and this project promises, at sizes that take minutes."""

import os

import pytest

from benchmarks.paper import expressivity, generator, robustness
from benchmarks.paper.generator import interval
from benchmarks.paper.robust_models import RADII
from benchmarks.paper.trials import Figures, Settings, Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

SORTING = ("MaxMin", "GroupSort 4", "GroupSort 16", "FullSort")


def figures_of(trials: list[Trial], name: str) -> Figures:
    (trial,) = [trial for trial in trials if trial.name == name]
    return trial.run(**trial.arguments).figures


@pytest.mark.parametrize("problem", ["abs-1d", "cones-2d", "cone-128d"])
def test_groupsort_finds_the_distance_and_relu_does_not(problem: str) -> None:
    trials = expressivity.trials(Settings())
    runs = [figures_of(trials, f"{problem}-stiefel-{seed}") for seed in range(3)]
    shares = {
        name: [run["shares"][name] for run in runs] for name in expressivity.ACTIVATIONS
    }
    # One group size for all seeds: the mean of the seeds, as the documentation has it.
    assert max(sum(shares[name]) / 3 for name in SORTING) >= 0.99
    assert max(shares["ReLU"]) < 0.8


def test_critics_that_sort_exceed_relu_on_a_generator_beyond_doubt() -> None:
    trials = generator.trials(Settings())
    figures = figures_of(trials, "digits-penalty-stiefel")
    sorting, relu = interval(figures["MaxMin"]), interval(figures["ReLU"])
    assert sorting[0] - sorting[1] > relu[0] + relu[1]


@pytest.fixture(scope="module")
def mnist() -> dict[str, Figures]:
    folder = os.environ.get("MNIST_DIR")
    if not folder:
        pytest.skip("MNIST_DIR names no folder of the MNIST files")
    trials = robustness.trials(Settings(data_dir=folder))
    return {
        name: figures_of(trials, f"mnist-{name}")["runs"][0]
        for name in ("relu", "maxmin-linf")
    }


def test_a_certified_classifier_outlives_a_standard_one(
    mnist: dict[str, Figures],
) -> None:
    certified, standard = mnist["maxmin-linf"], mnist["relu"]
    assert certified["certified linf 0.1"] > 0.0
    for radius in RADII["linf"]:
        assert certified[f"pgd linf {radius}"] > standard[f"pgd linf {radius}"]


def test_no_attack_breaks_a_certificate_of_mnist(mnist: dict[str, Figures]) -> None:
    certified = mnist["maxmin-linf"]
    # Those of the 10,000 test images that have a certificate at all.
    assert certified["attacked_inside"] == round(10_000 * certified["clean"])
    assert certified["violations"] == 0
