"""Provable robustness: what attacks find, and what certificates exclude.

Anil, Lucas & Grosse (2019): classifiers that are 1-Lipschitz in linf (each row in the
L1 ball, AggMo, hinge with a margin) or in l2 (Björck, Stiefel) against standard and
PGD-trained ReLU networks. Every test image is also attacked at a radius just inside its
own certificate, where no attack may succeed.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.paper.attacks import Attack, fgsm
from benchmarks.paper.classifiers import certified_radii, margins
from benchmarks.paper.data import CLASSES, Images, load
from benchmarks.paper.reports import markdown, new_figure, percents
from benchmarks.paper.robust_models import MODELS, Model, Size, single, trained
from benchmarks.paper.trials import (
    Experiment,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)
from kantor.models.critic import mapped
from kantor.models.network import Network
from kantor.models.vocabulary import Norm

RADII: dict[Norm, tuple[float, ...]] = {"linf": (0.1, 0.3), "l2": (0.5, 1.0, 1.5)}

INSIDE = 1.0 - 1e-6
"""Share of the certified radius at which each image is attacked: room for rounding."""


def trial(model: dict[str, Any], data_dir: str | None, size: dict[str, int]) -> Outcome:
    """Train one model with several seeds, certify it and attack it."""
    chosen, scale, images = Model(**model), Size(**size), load(data_dir)
    networks = trained(chosen, images, scale)
    radii = certified_radii(networks, images.test_x, images.test_y)
    runs = [
        examined(networks.select([k]), images, radii[k], chosen, scale, seed=k)
        for k in range(scale.seeds)
    ]
    examples = [int((images.test_y == c).nonzero()[0, 0]) for c in range(CLASSES)]
    arrays = {
        "images": images.test_x[examples].numpy(),
        "gradients": class_gradients(networks, images.test_x[examples]).numpy(),
        "radii": radii.numpy(),
    }
    return Outcome({"runs": runs, "test": len(images.test_x), **size}, arrays)


def examined(
    network: Network, images: Images, radii: Tensor, model: Model, size: Size,
    *, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Return shares of test images that are right, certified, and right when attacked.

    Clean and certified shares are of all test images, those under attack of the first
    `size.attacked`.
    """
    generator = torch.Generator().manual_seed(seed)
    x, y = images.test_x[: size.attacked], images.test_y[: size.attacked]
    found: dict[str, Any] = {"clean": share(radii > 0.0)}
    for norm, radius, attack in attacks(model, size):
        worst = attack(single(network), x, y, radius, generator)
        right = margins(single(network)(worst), y) > 0.0
        found[f"{'fgsm' if attack.steps == 1 else 'pgd'} {norm} {radius}"] = share(
            right
        )
    for radius in RADII[model.norm]:
        found[f"certified {model.norm} {radius}"] = share(radii >= radius)
    return found | inside(network, images, radii, model.norm, size, generator)


def attacks(model: Model, size: Size) -> Iterator[tuple[Norm, float, Attack]]:
    """Yield what a model is attacked by: in its own norm, without one in both."""
    for norm, radii in RADII.items():
        if model.constraint == "none" or norm == model.norm:
            for radius in radii:
                yield norm, radius, fgsm(norm)
                yield norm, radius, Attack(norm, steps=size.attack_steps, starts=2)


def inside(
    network: Network, images: Images, radii: Tensor, norm: Norm, size: Size,
    generator: torch.Generator,
) -> dict[str, int]:  # fmt: skip
    """Attack every image just inside its certified radius; count what succeeds.

    All in float64, in which the certificate is stated.
    """
    sure = radii > 0.0
    exact = single(mapped(network, Tensor.double))
    x, y = images.test_x[sure].double(), images.test_y[sure]
    attack = Attack(norm, steps=size.attack_steps, starts=2)
    worst = attack(exact, x, y, INSIDE * radii[sure], generator)
    broken = margins(exact(worst), y) <= 0.0
    return {"attacked_inside": int(sure.sum()), "violations": int(broken.sum())}


def share(holds: Tensor) -> float:
    """Return the share of rows for which something holds."""
    return float(holds.double().mean())


def class_gradients(networks: Network, x: Tensor) -> Tensor:
    """Return the gradient (n, d) of each row's largest logit in the first network."""
    leaf = x.clone().requires_grad_()
    largest = single(networks)(leaf).amax(-1).sum()
    return torch.autograd.grad(largest, leaf)[0]


def size_of(*, full: bool, mnist: bool) -> dict[str, int]:
    """Return the sizes of quick or full settings, by the images."""
    if full:
        size = Size(1024, 3, 20_000, 128, 10_000, 100, 3)
    elif mnist:
        size = Size(256, 3, 2500, 128, 2000, 20, 1)
    else:
        size = Size(64, 3, 1200, 64, 599, 20, 3)
    return asdict(size)


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each model."""
    size = size_of(full=settings.full, mnist=settings.data_dir is not None)
    return [
        Trial(
            f"{settings.data}-{name}",
            trial,
            {"model": asdict(model), "data_dir": settings.data_dir, "size": size},
        )
        for name, model in models_for(settings).items()
    ]


def models_for(settings: Settings) -> dict[str, Model]:
    """Return the models to train: Björck iterations of 784 columns at full sizes only.

    Twenty of them in every step take ten times as long as the rest of it.
    """
    affordable = settings.full or settings.data == "digits"
    return {
        name: model
        for name, model in MODELS.items()
        if affordable or model.constraint != "bjorck"
    }


def report(settings: Settings, found: Outcomes) -> Report:
    """Return a table for each norm, the violations, and the pictures."""
    chosen = models_for(settings)
    runs = {m: found[f"{settings.data}-{m}"].figures["runs"] for m in chosen}
    tables = {
        f"robustness-{norm}-{settings.data}": table_of(norm, runs) for norm in RADII
    }
    tables[f"robustness-inside-{settings.data}"] = markdown(
        ["model", "attacked inside their certified radius", "successes"],
        [
            [MODELS[m].label, f"{sum(r['attacked_inside'] for r in each):,}",
             str(sum(r["violations"] for r in each))]
            for m, each in runs.items()
        ],
    )  # fmt: skip
    pictures = {
        f"gradients-{settings.data}": gradients(settings, found),
        f"radii-{settings.data}": curves(settings, found),
    }
    return Report(tables, pictures)


def table_of(norm: Norm, runs: dict[str, list[dict[str, Any]]]) -> str:
    """Return accuracies in one norm: clean, certified and attacked by radius."""
    kinds = [f"{kind} {norm} {radius}" for radius in RADII[norm]
             for kind in ("certified", "fgsm", "pgd")]  # fmt: skip
    rows = [
        [MODELS[m].label, percents([run["clean"] for run in each]),
         *(percents([run[k] for run in each]) if k in each[0] else "" for k in kinds)]
        for m, each in runs.items()
        if f"pgd {norm} {RADII[norm][0]}" in each[0]
    ]  # fmt: skip
    header = [
        kind.replace(f" {norm} ", ", ").replace("fgsm", "FGSM").replace("pgd", "PGD")
        for kind in kinds
    ]
    return markdown(["model", "clean", *header], rows)


def gradients(settings: Settings, found: Outcomes) -> Figure:
    """Draw an image of each class, and the gradient of its logit by model."""
    models = models_for(settings)
    figure, axes = new_figure(len(models) + 1, CLASSES, width=8, height=8)
    some = found[f"{settings.data}-relu"].arrays["images"]
    side = round(some.shape[1] ** 0.5)
    for c in range(CLASSES):
        axes[0][c].imshow(some[c].reshape(side, side), cmap="gray")
    for row, (name, model) in zip(axes[1:], models.items(), strict=True):
        slopes = found[f"{settings.data}-{name}"].arrays["gradients"]
        for c in range(CLASSES):
            most = np.abs(slopes[c]).max()
            row[c].imshow(
                slopes[c].reshape(side, side), "RdBu_r", vmin=-most, vmax=most
            )
        row[0].set_ylabel(model.label.replace(", ", "\n"), fontsize=6, rotation=0,
                          ha="right", va="center")  # fmt: skip
    for ax in (ax for row in axes for ax in row):
        ax.set_xticks([])
        ax.set_yticks([])
    return figure


def curves(settings: Settings, found: Outcomes) -> Figure:
    """Draw the share of test images that is certified at each radius."""
    figure, axes = new_figure(1, 2, width=8, height=3)
    for ax, (norm, farthest) in zip(axes[0], (("linf", 0.4), ("l2", 2.0)), strict=True):
        grid = np.linspace(0.0, farthest, 200)
        for name, model in models_for(settings).items():
            if model.norm == norm and model.constraint != "none":
                radii = found[f"{settings.data}-{name}"].arrays["radii"]
                ax.plot(grid, [(radii > r).mean() for r in grid], label=model.label)
        ax.set_xlabel(f"radius, {norm}")
        ax.set_ylabel("certified accuracy")
        ax.legend(fontsize=7)
    return figure


EXPERIMENT = Experiment("Provable robustness: certificates and attacks", trials, report)
