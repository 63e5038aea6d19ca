"""W1 between a frozen generator and real images, by critics under one constraint.

Anil, Lucas & Grosse (2019) train a WGAN, freeze its generator, and compare how much of
W1 critics find: those that sort find more than ReLU ones. Here each estimate is that of
Kantor: held-out, over the certified constant, with a standard error. Generators never
see the images that they are compared with.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.paper.data import load
from benchmarks.paper.generators import CRITICS, Sizes, generated, trained_generator
from benchmarks.paper.reports import markdown
from benchmarks.paper.trials import (
    Experiment,
    Figures,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)  # fmt: skip
from kantor.estimator import EstimateConfig, estimate_w1

GENERATORS = {
    "clipping": "WGAN, weight clipping",
    "penalty": "WGAN, gradient penalty",
    "lipschitz": "WGAN, MaxMin and Stiefel",
}

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "MaxMin": {"activation": "maxmin"},
    "GroupSort 16": {"activation": "groupsort", "group_size": 16},
    "ReLU": {"activation": "relu"},
}

CONSTRAINTS = ("stiefel", "bjorck")

Z_95 = 1.96

SHOWN = 10


def sides(
    critic: str, data_dir: str | None, size: dict[str, int]
) -> tuple[Tensor, Tensor]:
    """Train a generator and freeze it; return unseen real images and generated ones."""
    images = load(data_dir)
    if data_dir is None:  # too few to be held out as for classifiers: halves
        together = torch.cat([images.train_x, images.test_x])
        seen, unseen = together[::2], together[1::2]
    else:
        seen, unseen = images.train_x, images.test_x
    scale = Sizes(size["generator_width"], size["generator_steps"])
    generator = trained_generator(critic, seen, scale, seed=0)
    return unseen, generated(generator, size["generated"], seed=1)


def config_for(
    name: str, constraint: str, size: dict[str, int], seed: int
) -> EstimateConfig:
    """Return the settings of an estimate by networks of one activation."""
    return EstimateConfig.from_dict({
        "critic": "network", "constraint": constraint, "width": size["width"],
        "depth": 3, "steps": size["steps"], "batch_size": 256, "seed": seed,
        "folds": size["folds"], "sample_bounds": False, "device": "auto",
        **ACTIVATIONS[name],
    })  # fmt: skip


def trial(
    critic: str, constraint: str, data_dir: str | None, size: dict[str, int]
) -> Outcome:
    """Estimate the distance of one generator by each activation."""
    real, fake = (side.numpy() for side in sides(critic, data_dir, size))
    figures: dict[str, list[dict[str, float]]] = {}
    for name in ACTIVATIONS:
        figures[name] = []
        for seed in range(size["seeds"]):
            found = estimate_w1(real, fake, config_for(name, constraint, size, seed))
            figures[name].append({
                "estimate": found.estimate,
                "standard_error": found.standard_error,
                "lower_bound": found.lower_bound,
                "lipschitz_bound": found.certificate.lipschitz_bound,
            })  # fmt: skip
    return Outcome(figures, {"real": real[:SHOWN], "generated": fake[:SHOWN]})


def served(data_dir: str | None, size: dict[str, int]) -> Outcome:
    """Ask a running service the same question, over HTTP."""
    from kantor.service.cli.demonstration import running_service

    real, fake = (side.numpy() for side in sides("lipschitz", data_dir, size))
    config = config_for("MaxMin", "stiefel", size, seed=0)
    with (
        tempfile.TemporaryDirectory(prefix="kantor-paper-") as folder,
        running_service(Path(folder)) as client,
    ):
        job = client.submit(real, fake, config=config.to_dict())
        result = client.wait(job["id"])["result"]
    local = estimate_w1(real, fake, config)
    return Outcome({
        "served": {k: result[k] for k in ("estimate", "standard_error", "lower_bound")},
        "local": {"estimate": local.estimate, "standard_error": local.standard_error,
                  "lower_bound": local.lower_bound},
    })  # fmt: skip


def size_of(settings: Settings) -> dict[str, int]:
    """Return the sizes of quick or full settings, by the images."""
    mnist = settings.data_dir is not None
    return {
        "generator_width": settings.pick(256 if mnist else 128, 512),
        "generator_steps": settings.pick(600 if mnist else 1000, 20_000),
        "generated": settings.pick(10_000 if mnist else 4000, 10_000),
        "width": settings.pick(64, 512),
        "steps": settings.pick(200, 2000),
        "folds": settings.pick(1 if mnist else 3, 1 if mnist else 5),
        "seeds": settings.pick(2, 3),
    }


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each generator and constraint, and one through the service."""
    given = {"data_dir": settings.data_dir, "size": size_of(settings)}
    estimates = [
        Trial(
            f"{settings.data}-{critic}-{constraint}",
            trial,
            {"critic": critic, "constraint": constraint, **given},
        )
        for critic in CRITICS
        for constraint in CONSTRAINTS
    ]
    return [*estimates, Trial(f"{settings.data}-service", served, given)]


def interval(runs: list[dict[str, float]]) -> tuple[float, float]:
    """Return the mean over seeds and the half width of its 95 % interval.

    Of sampling, by the estimator's own standard error, and of the seeds together.
    """
    estimates = [run["estimate"] for run in runs]
    sampling = np.mean([run["standard_error"] ** 2 for run in runs])
    return float(np.mean(estimates)), Z_95 * float(
        np.sqrt(sampling + np.var(estimates, ddof=1))
    )


def report(settings: Settings, found: Outcomes) -> Report:
    """Return estimates with intervals, what the service said, and the pictures."""
    rows = [
        row(label, constraint, found[f"{settings.data}-{critic}-{constraint}"].figures)
        for critic, label in GENERATORS.items()
        for constraint in CONSTRAINTS
    ]
    header = ["generator", "constraint", *ACTIVATIONS, "best one and ReLU apart"]
    both = found[f"{settings.data}-service"].figures
    through = markdown(
        ["", "estimate", "standard error", "lower bound, 95 %"],
        [[name, *(f"{v:.6f}" for v in both[name].values())] for name in both],
    )
    name = f"generator-{settings.data}"
    tables = {name: markdown(header, rows), f"{name}-service": through}
    return Report(tables, {name: picture(settings, found)})


def row(label: str, constraint: str, figures: Figures) -> list[str]:
    """Return the cells of one generator under one constraint."""
    cells = {name: interval(runs) for name, runs in figures.items()}
    mean, half = cells["ReLU"]
    best = max(m - h for name, (m, h) in cells.items() if name != "ReLU")
    shown = [f"{m:.3f} ± {h:.3f}" for m, h in cells.values()]
    return [label, constraint, *shown, "yes" if best > mean + half else "no"]


def picture(settings: Settings, found: Outcomes) -> Figure:
    """Draw real and generated images, and the estimates beside them."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.2, 1.0])[0]
    outcomes = [found[f"{settings.data}-{critic}-stiefel"] for critic in GENERATORS]
    groups = [outcomes[0].arrays["real"], *(o.arrays["generated"] for o in outcomes)]
    rows = left.subplots(len(groups), SHOWN, squeeze=False)
    for axes, name, images in zip(rows, ("real", *GENERATORS), groups, strict=True):
        axes[0].set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")
        for ax, image in zip(axes, images, strict=True):
            side = round(len(image) ** 0.5)
            ax.imshow(image.reshape(side, side), cmap="gray", vmin=0, vmax=1)
            ax.set_xticks([])
            ax.set_yticks([])
    ax = right.subplots()
    for i, name in enumerate(ACTIVATIONS):
        means, halves = zip(*(interval(o.figures[name]) for o in outcomes), strict=True)
        places = np.arange(len(GENERATORS)) + 0.15 * (i - 1)
        ax.errorbar(places, means, halves, fmt="o", label=name)
    ax.set_xticks(range(len(GENERATORS)), list(GENERATORS))
    ax.set_ylabel("held-out estimate of W1")
    ax.set_ylim(bottom=0.0)
    ax.legend(fontsize=7)
    return figure


EXPERIMENT = Experiment(
    "How far a frozen generator is from real images", trials, report
)
