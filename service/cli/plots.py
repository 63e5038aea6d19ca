"""Curves and histograms in the terminal."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

Document = dict[str, Any]

_WIDEST = 72
_BESIDE = 16  # characters left of a plot: numbers and axis
_HEIGHT = 10


def show_plots(console: Console, result: Document) -> None:
    """Draw the training curve, if anything was trained, and the histogram."""
    plots = (_curve, _histogram) if len(result["curve"]) > 1 else (_histogram,)
    for plot in (draw(console, result) for draw in plots):
        console.print(Text.from_ansi(plot), soft_wrap=True)
        console.print()


def _curve(console: Console, result: Document) -> str:
    figure = _figure(console)
    steps = [point["step"] for point in result["curve"]]
    figure.x_label, figure.y_label = "step", "W1"
    for name, color in (("train", "white"), ("validation", "bright_blue")):
        values = [point[name] for point in result["curve"]]
        figure.plot(steps, values, lc=color, label=name)
    figure.axhline(0.0, lc="white")
    text: str = figure.show()
    return _titled(
        "Training: dual objective on validation samples (blue) and fit samples", text
    )


def _histogram(console: Console, result: Document) -> str:
    figure = _figure(console)
    histogram = result["differences"]["histogram"]
    figure.x_label, figure.y_label = "critic", "share"
    for side, color in (("source", "bright_blue"), ("target", "bright_red")):
        points = list(_outline(histogram["edges"], histogram[side]))
        figure.plot([x for x, _ in points], [y for _, y in points], lc=color)
    figure.set_y_limits(0.0, 1.05 * max(*histogram["source"], *histogram["target"]))
    text: str = figure.show()
    return _titled("The critic's values of source (blue) and target (red)", text)


def _outline(edges: list[float], shares: list[float]) -> Iterator[tuple[float, float]]:
    """Yield the corners of a histogram from left to right."""
    yield edges[0], 0.0
    for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True):
        yield low, share
        yield high, share
    yield edges[-1], 0.0


def _figure(console: Console) -> Any:
    import plotille

    figure = plotille.Figure()
    figure.width = max(20, min(_WIDEST, console.width - _BESIDE))
    figure.height = _HEIGHT
    figure.color_mode = "names"
    figure.with_colors = console.is_terminal and not console.no_color
    figure.register_label_formatter(float, _label)
    figure.register_label_formatter(int, _label)
    return figure


def _label(value: float, chars: int, *_: object, **__: object) -> str:
    return f"{value:.3g}".rjust(chars)


def _titled(title: str, plot: str) -> str:
    return f"{title}\n{plot}"
