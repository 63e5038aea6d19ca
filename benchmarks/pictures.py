"""Write the picture of a benchmark to benchmarks/output/, without a display."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

OUTPUT = Path(__file__).parent / "output"


def new_axes(width: float = 7.0, height: float = 4.0) -> Axes:
    """Return empty axes of a figure of their own."""
    axes = Figure(figsize=(width, height), layout="constrained").add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def save(axes: Axes, name: str) -> Path:
    """Write the figure of `axes` as <name>.png, say where, and return the path."""
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"{name}.png"
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(path, dpi=150)
    print(f"\npicture: benchmarks/output/{path.name}")
    return path
