"""`kantor estimate`: an estimation in this process, without a service."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from kantor.estimator.config import EstimateConfig
from kantor.estimator.display.charts import curve_csv, curve_picture, histogram_picture
from kantor.service.cli.columns import (
    CATEGORY_WEIGHT,
    COLUMNS,
    DATES,
    DECIMAL,
    DELIMITER,
    DROP,
    ENCODING,
    HEADER,
    NA,
    QUOTE,
    SCALING,
    named_columns,
)
from kantor.service.cli.files import Samples, read_config, read_side, read_weights
from kantor.service.cli.presentation import progress_bar, show_result
from kantor.service.decoding import Decoded, Reading
from kantor.service.formats import LISTED

if TYPE_CHECKING:
    from kantor.estimator import Estimate

SOURCE = typer.Argument(help=f"Source samples: {LISTED}.")
TARGET = typer.Argument(help="Target samples: the same columns, or dimension.")
EFFORT = typer.Option(help="quick, standard or thorough.")
SEED = typer.Option(help="Seed of every random choice.")
CONFIDENCE = typer.Option(help="Confidence of the lower bound.")
METHOD = typer.Option(help="betting, bernstein or student.")
SOURCE_WEIGHTS = typer.Option(help="Weights of the source samples: one column.")
TARGET_WEIGHTS = typer.Option(help="Weights of the target samples.")
CONFIG = typer.Option(help="JSON or TOML file of settings; options override it.")


def chosen_settings(path: Path | None, **options: Any) -> dict[str, Any]:
    """Return settings of a file with the given options over them."""
    given = {name: value for name, value in options.items() if value is not None}
    return read_config(path) | given


def estimate(
    source: Annotated[Path, SOURCE],
    target: Annotated[Path, TARGET],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the document alone on stdout.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for result, curve, critic and witness.")
    ] = None,
    effort: Annotated[str | None, EFFORT] = None,
    seed: Annotated[int | None, SEED] = None,
    confidence: Annotated[float | None, CONFIDENCE] = None,
    method: Annotated[str | None, METHOD] = None,
    config: Annotated[Path | None, CONFIG] = None,
    source_weights: Annotated[Path | None, SOURCE_WEIGHTS] = None,
    target_weights: Annotated[Path | None, TARGET_WEIGHTS] = None,
    columns: Annotated[str | None, COLUMNS] = None,
    drop: Annotated[str | None, DROP] = None,
    na: Annotated[str | None, NA] = None,
    dates: Annotated[str | None, DATES] = None,
    scaling: Annotated[str | None, SCALING] = None,
    category_weight: Annotated[float | None, CATEGORY_WEIGHT] = None,
    delimiter: Annotated[str | None, DELIMITER] = None,
    quote: Annotated[str | None, QUOTE] = None,
    decimal: Annotated[str | None, DECIMAL] = None,
    encoding: Annotated[str | None, ENCODING] = None,
    header: Annotated[str, HEADER] = "auto",
) -> None:
    """Estimate W1 between two sample files, from below, with its guarantee."""
    chosen = chosen_settings(
        config, effort=effort, seed=seed, confidence=confidence, bound_method=method,
        na=na, dates=dates, scaling=scaling, category_weight=category_weight,
        **named_columns(columns, drop),
    )  # fmt: skip
    settings = EstimateConfig.from_dict(chosen)
    reading = Reading(
        delimiter=delimiter, quote=quote, decimal=decimal, encoding=encoding,
        header=header, drop=settings.drop,
    )  # fmt: skip
    given = Given(
        source=read_side("source", source, reading),
        target=read_side("target", target, reading),
        source_weights=read_weights("source_weights", source_weights),
        target_weights=read_weights("target_weights", target_weights),
    )
    found = run(given, settings)
    document = found.to_dict()
    if out is not None:
        write_outputs(out, document, found.critic)
        write_witness(out, document, found.critic, given)
    if as_json:
        print(json.dumps(document, allow_nan=False))
    else:
        show_result(Console(), document)


@dataclass(frozen=True)
class Given:
    """What the named files hold: samples or tables, and weights if any."""

    source: Decoded
    target: Decoded
    source_weights: Samples | None
    target_weights: Samples | None


def run(given: Given, settings: EstimateConfig) -> "Estimate":
    """Estimate with a progress bar on stderr."""
    console = Console(stderr=True)
    with progress_bar(console, "training") as update:
        from kantor.estimator import estimate_w1  # loads torch

        return estimate_w1(
            given.source,
            given.target,
            settings,
            source_weights=given.source_weights,
            target_weights=given.target_weights,
            on_progress=lambda report: update(
                report.step,
                report.max_steps,
                report.point.validation if report.point else None,
            ),
        )


def write_outputs(folder: Path, document: dict[str, Any], critic: bytes) -> None:
    """Write result.json, curve.csv, curve.png and critic.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    curve = document["curve"]
    (folder / "result.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "curve.csv").write_text(curve_csv(curve))
    picture = curve_picture(curve, result=document, form="png")
    (folder / "curve.png").write_bytes(picture)
    (folder / "critic.safetensors").write_bytes(critic)


def write_witness(
    folder: Path, document: dict[str, Any], critic: bytes, given: Given
) -> None:
    """Write the potential of each sample as npy, and witness.png."""
    from kantor.estimator.witness.document import score

    np.save(folder / "source_witness.npy", score(critic, given.source))
    np.save(folder / "target_witness.npy", score(critic, given.target))
    histogram = document["differences"]["histogram"]
    (folder / "witness.png").write_bytes(histogram_picture(histogram, form="png"))
