"""Classification with little data: 30 and 100 images of each class.

Anil, Lucas & Grosse (2019) ask whether a Lipschitz constraint helps where data is
scarce. Each seed draws its own training images; all of the test images are tested.
"""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from benchmarks.paper.ascent import ascended
from benchmarks.paper.classifiers import RELU_GAIN, amplified, initial_classifiers
from benchmarks.paper.data import CLASSES, Images, load
from benchmarks.paper.devices import here
from benchmarks.paper.methods import method_of
from benchmarks.paper.reports import markdown, percents
from benchmarks.paper.robust_models import Model, loss
from benchmarks.paper.trials import (
    Experiment,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)
from kantor.models.activations import Activation
from kantor.models.network import Network

PER_CLASS = (30, 100)

MODELS = {
    "relu": Model("ReLU, standard", "relu"),
    "maxmin": Model("MaxMin, standard", "maxmin"),
    "relu-bjorck": Model("ReLU, Björck", "relu", "bjorck", "adam", 0.002, margin=1.0),
    "maxmin-bjorck": Model("MaxMin, Björck", "maxmin", "bjorck", "adam", 0.002,
                           margin=1.0),
    "maxmin-stiefel": Model("MaxMin, Stiefel", "maxmin", "stiefel", "manifold", 0.02,
                            margin=1.0),
    "groupsort-stiefel": Model("GroupSort 16, Stiefel", "groupsort", "stiefel",
                               "manifold", 0.02, margin=1.0),
}  # fmt: skip

GROUP_SIZE = 16


def trial(
    model: dict[str, Any], per_class: int, data_dir: str | None, size: dict[str, int]
) -> Outcome:
    """Train classifiers on images of their own, and test them on all others."""
    chosen, images, seeds = Model(**model), load(data_dir).placed(here()), size["seeds"]
    generator = torch.Generator().manual_seed(per_class)
    chosen_rows = torch.stack(
        [few_rows(images, per_class, generator) for _ in range(seeds)]
    )  # (K, n)
    networks = initial_classifiers(
        images.dim, classes=CLASSES, width=size["width"], depth=2,
        activation=Activation(chosen.activation, GROUP_SIZE), count=seeds,
        generator=generator,
    )  # fmt: skip
    if chosen.constraint == "none":
        networks = amplified(networks, RELU_GAIN)
    method, _ = method_of(chosen.constraint, chosen.optimizer)

    def objective(candidates: Network, _: int) -> Tensor:
        picked = torch.randint(chosen_rows.shape[1], (seeds, 64), generator=generator)
        rows = chosen_rows.gather(1, picked)
        return -loss(candidates(images.train_x[rows]), images.train_y[rows], chosen)

    found = ascended(
        networks, method, objective, steps=size["steps"], rates=chosen.rate
    )
    right = found(images.test_x.cpu()).argmax(-1) == images.test_y.cpu()
    return Outcome({"accuracy": right.double().mean(-1).tolist()})


def few_rows(images: Images, per_class: int, generator: torch.Generator) -> Tensor:
    """Draw the rows of `per_class` training images of each class."""
    order = torch.randperm(len(images.train_y), generator=generator)
    labels = images.train_y.cpu()[order]
    return torch.cat([order[labels == c][:per_class] for c in range(CLASSES)])


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each model and number of images."""
    size = {
        "width": settings.pick(64, 512),
        "steps": settings.pick(500, 5000),
        "seeds": settings.pick(5, 10),
    }
    return [
        Trial(
            f"{settings.data}-{name}-{count}",
            trial,
            {"model": asdict(model), "per_class": count, "data_dir": settings.data_dir,
             "size": size},
        )
        for name, model in MODELS.items()
        for count in PER_CLASS
    ]  # fmt: skip


def report(settings: Settings, found: Outcomes) -> Report:
    """Return test accuracies by model and number of images."""
    rows = [
        [model.label, *(
            percents(found[f"{settings.data}-{name}-{count}"].figures["accuracy"])
            for count in PER_CLASS
        )]
        for name, model in MODELS.items()
    ]  # fmt: skip
    header = ["model", *(f"{count} images a class" for count in PER_CLASS)]
    return Report({f"small-data-{settings.data}": markdown(header, rows)})


EXPERIMENT = Experiment(
    "Classification with few images under a Lipschitz constraint", trials, report
)
