"""Tables and pictures: built from figures, written to the output or into the docs."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from benchmarks.paper.trials import Report

DOTS_PER_INCH = 100

Grid = list[list[Axes]]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def percent(share: float) -> str:
    """Return a share as 12.3 %."""
    return f"{100 * share:.1f} %"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the half width of its 95 % interval (Student) over seeds."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return mean, math.nan
    error = float(np.std(values, ddof=1)) / n**0.5
    return mean, float(stats.t.ppf(0.975, n - 1)) * error


def percents(shares: Sequence[float], *, rows: int | None = None) -> str:
    """Return the mean share over seeds, in percent, with its 95 % interval.

    Of one seed the interval is that of the `rows` that were looked at (binomial).
    """
    mean, half = interval(shares)
    if len(shares) < 2:
        half = 1.96 * (mean * (1.0 - mean) / rows) ** 0.5 if rows else math.nan
    return f"{100 * mean:.1f} ± {100 * half:.1f} %"


def new_figure(
    rows: int, columns: int, *, width: float = 8.0, height: float = 3.0
) -> tuple[Figure, Grid]:
    """Return a figure and its axes, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in axes]


def write(report: Report, folder: Path) -> None:
    """Write every table and picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in report.tables.items():
        (folder / f"{name}.md").write_text(table)
    for name, figure in report.pictures.items():
        figure.savefig(folder / f"{name}.png", dpi=DOTS_PER_INCH)


def publish(report: Report, page: Path, images: Path) -> None:
    """Put tables between their markers on a page, and the pictures that it shows.

    A table `name` stands between `<!-- name -->` and `<!-- /name -->`.
    """
    text = page.read_text()
    for name, table in report.tables.items():
        block = rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)"
        text = re.sub(block, lambda _, t=table: f"\n{t}\n", text, flags=re.DOTALL)  # type: ignore[misc]
    page.write_text(text)
    images.mkdir(parents=True, exist_ok=True)
    shown = {name: f for name, f in report.pictures.items() if f"/{name}.png" in text}
    for name, figure in shown.items():
        figure.savefig(images / f"{name}.png", dpi=DOTS_PER_INCH)
