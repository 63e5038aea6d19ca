"""What robustness comes to: accuracies, certificates, and pictures of both."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.paper.data import CLASSES
from benchmarks.paper.reports import markdown, new_figure, percents
from benchmarks.paper.robust_models import MODELS, RADII, models_for
from benchmarks.paper.trials import Outcome, Outcomes, Report, Settings
from kantor.models.vocabulary import Norm


def report(settings: Settings, found: Outcomes) -> Report:
    """Return a table for each norm, the violations, and the pictures."""
    names = models_for(settings)
    outcomes = {name: found[f"{settings.data}-{name}"] for name in names}
    tables = {f"robustness-{norm}": attacked(norm, outcomes) for norm in RADII}
    tables["robustness-inside"] = certified(outcomes)
    pictures = {
        f"gradients-{settings.data}": gradients(settings, found),
        f"radii-{settings.data}": curves(settings, found),
    }
    return Report(
        {f"{name}-{settings.data}": table for name, table in tables.items()}, pictures
    )


def attacked(norm: Norm, outcomes: dict[str, Outcome]) -> str:
    """Return accuracies on the images attacked: clean, certified, under attack."""
    header = [
        f"{kind}, {radius}"
        for radius in RADII[norm]
        for kind in ("certified", "FGSM", "PGD")
    ]
    rows = [
        [MODELS[name].label, *cells(norm, MODELS[name].norm, outcome)]
        for name, outcome in outcomes.items()
        if f"pgd {norm} {RADII[norm][0]}" in outcome.figures["runs"][0]
    ]
    return markdown(["model", "clean", *header], rows)


def cells(norm: Norm, certified_norm: Norm, outcome: Outcome) -> list[str]:
    """Return a row of `attacked`."""
    n, runs = outcome.figures["attacked"], outcome.figures["runs"]
    radii = outcome.arrays["radii"][:, :n]  # (K, n)
    found = [percents((radii > 0.0).mean(1), rows=n)]
    for radius in RADII[norm]:
        sure = percents((radii >= radius).mean(1), rows=n)
        found.append(sure if norm == certified_norm else "")
        for kind in ("fgsm", "pgd"):
            shares = [run[f"{kind} {norm} {radius}"] for run in runs]
            found.append(percents(shares, rows=n))
    return found


def certified(outcomes: dict[str, Outcome]) -> str:
    """Return what holds on all test images, and what attacks inside radii found."""
    rows = []
    for name, outcome in outcomes.items():
        radii, runs = outcome.arrays["radii"], outcome.figures["runs"]
        n = radii.shape[1]
        rows.append([
            MODELS[name].label, MODELS[name].norm,
            percents((radii > 0.0).mean(1), rows=n),
            f"{np.median(radii[radii > 0.0]):.2g}",
            f"{total(runs, 'attacked_inside'):,}",
            str(total(runs, "violations")),
        ])  # fmt: skip
    header = ["model", "norm", "clean, all test images", "median certified radius",
              "attacked inside their radius", "attacks that succeeded"]  # fmt: skip
    return markdown(header, rows)


def total(runs: list[dict[str, Any]], name: str) -> int:
    """Return the sum over seeds."""
    return sum(int(run[name]) for run in runs)


def gradients(settings: Settings, found: Outcomes) -> Figure:
    """Draw an image of each class, and the gradient of its logit by model."""
    models = models_for(settings)
    rows = len(models) + 1
    figure, axes = new_figure(rows, CLASSES, width=8, height=0.8 * rows)
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
