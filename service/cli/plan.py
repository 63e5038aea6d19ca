"""`kantor plan`: how many samples do I need?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from kantor.estimator.config import EstimateConfig
from kantor.service.cli.estimate import SOURCE, TARGET
from kantor.service.cli.files import from_stdin, read_side
from kantor.service.cli.options import AS_JSON, READING, SETTINGS, with_options
from kantor.service.decoding import Reading

DISTANCE = typer.Option(
    metavar="D", help="The smallest distance worth knowing; default: what is found."
)


@with_options(SETTINGS, READING)
def plan(
    source: Annotated[Path, SOURCE],
    target: Annotated[Path, TARGET],
    settings: dict[str, Any],
    reading: dict[str, str],
    distance: Annotated[float | None, DISTANCE] = None,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Tell how many samples show a difference, from a few hundred of both sides."""
    config = EstimateConfig.from_dict(settings)
    reader = Reading(**reading, drop=config.drop)
    with from_stdin(source=source, target=target) as files:
        sides = [read_side(name, path, reader) for name, path in files.items()]
    from kantor.estimator.planning import plan_samples  # loads torch

    with Console(stderr=True).status("estimating with what is there"):
        found = plan_samples(*sides, distance=distance, config=config)
    sizes = [asdict(size) for size in found.sizes]
    if as_json:
        estimate = found.estimate.to_dict()
        numbers = {"distance": found.distance, "rows": found.rows, "sizes": sizes}
        print(json.dumps(numbers | {"estimate": estimate}, allow_nan=False))
        return
    console = Console(highlight=False)
    console.print(_answer(found.distance, found.rows, sizes[-1]["rows"]))
    table = Table(box=None, pad_edge=False)
    table.add_column("rows a side", justify="right")
    table.add_column("would show a distance of", justify="right")
    for size in sizes:
        table.add_row(f"{size['rows']:,}", f"{size['detectable_distance']:.3g}")
    console.print(table)
    console.print(found.estimate.verdict)


def _answer(distance: float | None, rows: int | None, most: int) -> str:
    if distance is None:
        return "These samples show no difference; --distance D asks about one."
    if rows is None:
        return f"A distance of {distance:.3g} needs more than {most:,} rows a side."
    return (
        f"A distance of {distance:.3g} shows in 4 of 5 cases with about {rows:,} rows "
        "a side."
    )
