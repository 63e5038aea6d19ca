"""Curves and histograms for people (png, svg) and for spreadsheets (csv).

A curve is a list of points as in the result document: `step`, `elapsed_s`, `train`,
`validation`. A histogram has `edges`, and shares of `source` and `target`. Figures are
built without pyplot, which would keep them all in memory.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

Curve = Sequence[dict[str, Any]]
Histogram = Mapping[str, list[float]]
PictureFormat = Literal["png", "svg"]

_BLUE, _RED, _GRAY, _GREEN = "#1f6feb", "#cf222e", "#9aa5b1", "#1a7f37"
_COLUMNS = ("step", "elapsed_s", "train", "validation", "learning_rate")


def curve_csv(curve: Curve) -> str:
    """Write a curve as csv with a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, _COLUMNS, extrasaction="ignore", restval="", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(curve)
    return text.getvalue()


def curve_picture(
    curve: Curve, *, result: dict[str, Any] | None, form: PictureFormat
) -> bytes:
    """Draw a curve, with the estimate and its lower bound once they are known.

    Args:
        curve: Points to draw; none gives axes that say so.
        result: The result document of a job that has succeeded.
        form: png or svg.
    """
    figure, axes = _new_picture()
    draw_curve(axes, curve, result)
    return _printed(figure, form)


def draw_curve(axes: Any, curve: Curve, result: dict[str, Any] | None) -> None:
    """Draw a curve, and the result where there is one, on matplotlib's axes."""
    _draw_points(axes, curve)
    if result is not None:
        _draw_result(axes, result)
    axes.set_xlabel("training step")
    axes.set_ylabel("distance, in units of the data")
    axes.set_title("Dual objective of the 1-Lipschitz critic")
    _finish(axes)


def histogram_csv(histogram: Histogram) -> str:
    """Write a histogram as csv with a line of names: one row a bin."""
    edges = histogram["edges"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("low", "high", "source", "target"))
    writer.writerows(
        zip(
            edges[:-1], edges[1:], histogram["source"], histogram["target"], strict=True
        )
    )
    return text.getvalue()


def histogram_picture(histogram: Histogram, *, form: PictureFormat) -> bytes:
    """Draw the potentials of both sides over each other."""
    figure, axes = _new_picture()
    draw_histogram(axes, histogram)
    return _printed(figure, form)


def draw_histogram(axes: Any, histogram: Histogram) -> None:
    """Draw the potentials of both sides on matplotlib's axes."""
    for side, color in (("source", _BLUE), ("target", _RED)):
        axes.stairs(
            histogram[side],
            histogram["edges"],
            fill=True,
            color=color,
            alpha=0.45,
            label=side,
        )
    axes.set_xlabel("potential, in units of the data")
    axes.set_ylabel("share of the side's samples")
    axes.set_title("Where the critic sees the samples: high is more like the source")
    _finish(axes)


def answer_picture(result: Mapping[str, Any], *, form: PictureFormat) -> bytes:
    """Draw bound, estimate and bracket on one axis."""
    figure, axes = _new_picture(height=2.4)
    draw_answer(axes, result)
    return _printed(figure, form)


def draw_answer(axes: Any, result: Mapping[str, Any]) -> None:
    """Draw what is proven, what is estimated, and the given samples, on one axis."""
    estimate, error = result["estimate"], result["standard_error"]
    bound = result["lower_bound"]
    low, high = result["sample_lower_bound"], result["sample_upper_bound"]
    names = ["lower bound", "estimate ± 2 standard errors", "between these samples"]
    names = names[: 3 if low is not None else 2]
    farthest = max(estimate + 2 * error, bound, low or 0.0, high or 0.0, 0.0)
    least = min(estimate - 2 * error, 0.0)
    reach = farthest + 0.08 * (farthest - least or 1.0)
    axes.axvline(0.0, color=_GRAY, linewidth=1)
    if bound > 0.0:  # everything to the right of it is possible
        axes.plot([bound, reach], [2, 2], color=_RED, alpha=0.35, linewidth=6)
    axes.plot([max(bound, 0.0)], [2], marker="|", markersize=16, color=_RED, mew=2.5)
    axes.errorbar([estimate], [1], xerr=2 * error, fmt="o", color=_GREEN, capsize=5)
    if low is not None:
        end = reach if high is None else high
        axes.plot([low, end], [0, 0], color=_BLUE, marker="|", markersize=14, mew=2)
    axes.set_yticks([2 - place for place in range(len(names))], names)
    axes.set_ylim(1.5 - len(names) + 1, 2.5)
    axes.set_xlim(right=reach)
    axes.set_xlabel("distance, in units of the data")
    axes.grid(alpha=0.25, axis="x")


def figure_of(result: Mapping[str, Any]) -> Any:
    """Draw answer, training curve and histogram as one figure of pyplot."""
    from matplotlib import pyplot

    heights = (1, 2, 2) if len(result["curve"]) > 1 else (1, 2)
    figure, (answer, *curves, histogram) = pyplot.subplots(
        len(heights),
        1,
        figsize=(8, 1.9 * sum(heights)),
        layout="constrained",
        height_ratios=heights,
    )
    draw_answer(answer, result)
    for curve in curves:  # none where nothing was trained
        draw_curve(curve, result["curve"], dict(result))
    draw_histogram(histogram, result["differences"]["histogram"])
    vars(figure)["_ipython_display_"] = partial(_display, figure)
    return figure


def _display(figure: Any) -> None:
    """Show a figure as the value of a notebook's cell, unless pyplot does so."""
    from matplotlib import pyplot

    if not pyplot.fignum_exists(figure.number):
        from IPython.display import Image, display

        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
        display(Image(picture.getvalue(), width=800))


def decimate(curve: Curve, max_points: int) -> list[dict[str, Any]]:
    """Thin a curve, keeping its ends and the extremes of what lies between.

    Each of the equal stretches of the curve gives its points of least and of greatest
    validation value, so that no peak is lost.

    >>> curve = [{"validation": v} for v in (0, 1, 9, 1, 1, 1, -5, 1)]
    >>> [point["validation"] for point in decimate(curve, 4)]
    [0, 9, -5, 1]
    """
    if len(curve) <= max_points:
        return list(curve)
    stretches = max(1, (max_points - 2) // 2)
    kept = {0, len(curve) - 1}
    for index in range(stretches):
        start = 1 + index * (len(curve) - 2) // stretches
        stop = 1 + (index + 1) * (len(curve) - 2) // stretches
        values = [curve[i]["validation"] for i in range(start, stop)]
        kept |= {
            start + values.index(min(values)),
            start + values.index(max(values)),
        }
    return [curve[i] for i in sorted(kept)]


def _new_picture(height: float = 4.5) -> tuple[Any, Any]:
    """Return an empty figure and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), layout="constrained")
    return figure, figure.add_subplot()


def _finish(axes: Any) -> None:
    """Add grid and legend."""
    axes.grid(alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="best")


def _printed(figure: Any, form: PictureFormat) -> bytes:
    """Write a figure out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas = {"png": FigureCanvasAgg, "svg": FigureCanvasSVG}[form](figure)
    picture = io.BytesIO()
    canvas.print_figure(picture, format=form, dpi=120)
    return picture.getvalue()


def _draw_points(axes: Any, curve: Curve) -> None:
    steps = [point["step"] for point in curve]
    if not steps:
        axes.text(0.5, 0.5, "no reports yet", transform=axes.transAxes, ha="center")
        return
    train = [point["train"] for point in curve]
    validation = [point["validation"] for point in curve]
    axes.plot(steps, train, color=_GRAY, linewidth=1, label="fit samples")
    axes.plot(steps, validation, color=_BLUE, linewidth=1.8, label="validation samples")


def _draw_result(axes: Any, result: dict[str, Any]) -> None:
    estimate, bound = result["estimate"], result["lower_bound"]
    error, confidence = result["standard_error"], result["confidence"]
    axes.axhline(
        estimate,
        color=_GREEN,
        label=f"held-out estimate {estimate:.4g} ± {error:.2g}",
    )
    axes.axhline(
        bound,
        color=_RED,
        linestyle="--",
        label=f"lower bound {bound:.4g} ({100 * confidence:g} % confidence)",
    )
