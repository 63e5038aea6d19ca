"""`kantor estimate`: an estimation in this process, without a service."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from estimator.config import EstimateConfig
from service.charts import curve_csv, curve_picture
from service.cli.files import read_config, read_samples
from service.cli.presentation import progress_bar, show_result
from service.threads import sleep_when_idle

if TYPE_CHECKING:
    from estimator import Estimate

SOURCE = typer.Argument(help="Source samples: .npy, .npz, .csv or .parquet.")
TARGET = typer.Argument(help="Target samples, of the same dimension.")
EFFORT = typer.Option(help="quick, standard or thorough.")
SEED = typer.Option(help="Seed of every random choice.")
CONFIDENCE = typer.Option(help="Confidence of the lower bound.")
METHOD = typer.Option(help="betting, bernstein or student.")
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
        Path | None, typer.Option(help="Folder for result, curve, picture and critic.")
    ] = None,
    effort: Annotated[str | None, EFFORT] = None,
    seed: Annotated[int | None, SEED] = None,
    confidence: Annotated[float | None, CONFIDENCE] = None,
    method: Annotated[str | None, METHOD] = None,
    config: Annotated[Path | None, CONFIG] = None,
) -> None:
    """Estimate W1 between two sample files, from below, with its guarantee."""
    settings = chosen_settings(
        config, effort=effort, seed=seed, confidence=confidence, bound_method=method
    )
    found = run(source, target, EstimateConfig.from_dict(settings))
    document = found.to_dict()
    if out is not None:
        write_outputs(out, document, found.critic)
    if as_json:
        print(json.dumps(document, allow_nan=False))
    else:
        show_result(Console(), document)


def run(source: Path, target: Path, settings: EstimateConfig) -> "Estimate":
    """Estimate with a progress bar on stderr."""
    x, y = read_samples("source", source), read_samples("target", target)
    console = Console(stderr=True)
    with progress_bar(console, "training") as update:
        sleep_when_idle()
        from estimator import estimate_w1  # loads torch

        return estimate_w1(
            x,
            y,
            settings,
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
