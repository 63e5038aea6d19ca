from typing import Any

from rich.console import Console

from kantor.service.cli.plots import show_plots

HISTOGRAM = {"edges": [-2.0, 0.0, 2.0], "source": [0.25, 0.75], "target": [1.0, 0.0]}


def shown(steps: list[int]) -> str:
    points = [{"step": step, "train": 1.0, "validation": 0.9} for step in steps]
    result: dict[str, Any] = {
        "curve": points,
        "differences": {"histogram": HISTOGRAM},
    }
    console = Console(width=80)
    with console.capture() as capture:
        show_plots(console, result)
    return capture.get()


def test_a_training_has_a_curve() -> None:
    assert "(step)" in shown([0, 25, 50])


def test_one_point_is_no_curve() -> None:
    text = shown([0])
    assert "(step)" not in text
    assert "(critic)" in text
