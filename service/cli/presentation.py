"""Show results to a person."""

import re
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from kantor.estimator.display.words import (
    bracket_of,
    estimate_of,
    power_of,
    self_check_of,
    verdict,
)
from kantor.service.cli.plots import show_plots
from kantor.service.config_form import setting_views

Document = dict[str, Any]

_FEW = 5
_NOTABLE = 0.01
_COLUMNS = 20
_CELLS = 8


def as_options(text: str) -> str:
    """Write the settings that a text names in brackets as options.

    >>> as_options("leave it out (drop 'note'), or the others (setting columns)")
    "leave it out (--drop 'note'), or the others (--columns)"
    """
    names = "|".join(view.name for view in setting_views())
    pattern = rf"\((?:setting )?({names})(?=[ )])"
    return re.sub(pattern, lambda found: f"(--{found[1].replace('_', '-')}", text)


def show_result(console: Console, result: Document, *, plots: bool = False) -> None:
    """Print a result for a person: the bound first, then what supports it.

    Args:
        console: Where.
        result: The JSON document of an estimate.
        plots: Whether to draw curve and histogram below.
    """
    table = Table.grid(padding=(0, 2))
    for name, value in _rows(result):
        table.add_row(name, escape(value))
    of_tables = result.get("by_column") is not None
    if of_tables:
        _show_warnings(console, result)
    console.print(Panel(verdict(result), title="W1", title_align="left"))
    console.print(table)
    if of_tables:
        console.print(_by_column(result))
    else:
        _show_warnings(console, result)
    if plots:
        console.print()
        show_plots(console, result)


def _show_warnings(console: Console, result: Document) -> None:
    for warning in result["warnings"]:
        told = f"warning: {as_options(warning)}"
        console.print(told, style="yellow", markup=False)


def _by_column(result: Document) -> Table:
    """Return W1 of each column by itself, those that differ most first."""
    table = Table(title="each column by itself", title_justify="left")
    for heading in ("column", "W1", "in its unit", "p", "p, all columns", "share"):
        table.add_column(heading, justify="left" if heading == "column" else "right")
    shares = {
        item["column"]: item["share"] for item in result["differences"]["attribution"]
    }
    ordered = sorted(result["by_column"], key=lambda item: -item["w1"])
    for item in ordered[:_COLUMNS]:
        numbers = (item[name] for name in ("w1", "w1_in_units", "p_value"))
        cells = ["" if number is None else f"{number:.3g}" for number in numbers]
        adjusted = item["p_adjusted"]
        cells.append("" if adjusted is None else f"{adjusted:.3g}")
        cells.append(f"{100 * shares.get(item['column'], 0.0):.0f} %")
        table.add_row(escape(item["column"]), *cells)
    if len(ordered) > _COLUMNS:
        table.caption = f"and {len(ordered) - _COLUMNS} more (--json has all)"
    return table


def _rows(result: Document) -> Iterator[tuple[str, str]]:
    yield "held-out estimate", estimate_of(result)
    yield "lower bound", f"{result['lower_bound']:.5g} ({result['bound_method']})"
    yield "power", power_of(result)
    checked = self_check_of(result)
    if checked is not None:
        yield "self-check", f"of a planted difference, {checked}"
    if result["sample_lower_bound"] is not None:
        yield "W1 of the given samples", bracket_of(result)
    layers = len(result["certificate"]["layers"])
    bound = result["certificate"]["lipschitz_bound"]
    plural = "" if layers == 1 else "s"
    yield (
        "Lipschitz certificate",
        f"{bound:.7f} (float64, {layers} layer{plural}, {result['critic_family']})",
    )
    if result.get("metric"):
        yield "metric", result["metric"]
    yield "leading features", _features(result["differences"])
    yield "most typical rows", _extremes(result["differences"])
    yield (
        "samples",
        f"{result['n_source']:,} and {result['n_target']:,}, dimension {result['dim']}",
    )
    yield (
        "training",
        f"{result['steps']} steps, {result['stop_reason']}, "
        f"{result['elapsed_s']:.1f} s on {result['device']}",
    )


def _features(differences: Document) -> str:
    """Name the features along which the critic rises, by their share of its slope."""
    named = [
        f"{item.get('column') or item['feature']} ({100 * item['share']:.0f} %)"
        for item in differences["attribution"][:_FEW]
        if item["share"] >= _NOTABLE
    ]
    return ", ".join(named) or "none"


def _extremes(differences: Document) -> str:
    """Name the samples that lie furthest on each side of the critic.

    Of tables, the first is told whole.
    """
    if differences["source_extremes"][0].get("sample"):
        return "\n".join(
            f"{side} row {item['row']}: {_cells(item['sample'])}"
            for side in ("source", "target")
            for item in differences[f"{side}_extremes"][:1]
        )
    sides = (
        f"{side} "
        + ", ".join(str(item["row"]) for item in differences[f"{side}_extremes"][:_FEW])
        for side in ("source", "target")
    )
    return "; ".join(sides)


def _cells(sample: Document) -> str:
    """Write a row as names and values, the first few."""
    told = [
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in sample.items()
    ]
    more = f", and {len(told) - _CELLS} more" if len(told) > _CELLS else ""
    return ", ".join(told[:_CELLS]) + more
