"""`kantor estimate`: an estimation in this process, without a service."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from kantor.estimator.config import EstimateConfig
from kantor.service.cli.files import Samples, from_stdin, read_side, read_weights
from kantor.service.cli.options import (
    AS_JSON,
    FAILING,
    HTML,
    PLOT,
    READING,
    SETTINGS,
    SOURCE_WEIGHTS,
    TARGET_WEIGHTS,
    with_options,
)
from kantor.service.cli.outputs import (
    check_file,
    check_folder,
    judge,
    write_outputs,
    write_report,
    write_witness,
)
from kantor.service.cli.presentation import show_result
from kantor.service.decoding import Decoded, Reading
from kantor.service.formats import LISTED

if TYPE_CHECKING:
    from kantor.estimator import Estimate

SOURCE = typer.Argument(help=f"Source samples: {LISTED}; - is stdin.")
TARGET = typer.Argument(help="Target samples: the same columns, or dimension.")
OUT = typer.Option(help="Folder for result, curve, critic and witness.")


@with_options(SETTINGS, READING, FAILING)
def estimate(
    source: Annotated[Path, SOURCE],
    target: Annotated[Path, TARGET],
    settings: dict[str, Any],
    reading: dict[str, str],
    threshold: float | None,
    as_json: Annotated[bool, AS_JSON] = False,
    out: Annotated[Path | None, OUT] = None,
    html: Annotated[Path | None, HTML] = None,
    plot: Annotated[bool, PLOT] = False,
    source_weights: Annotated[Path | None, SOURCE_WEIGHTS] = None,
    target_weights: Annotated[Path | None, TARGET_WEIGHTS] = None,
) -> None:
    """Estimate W1 between two sample files, from below, with its guarantee."""
    config = EstimateConfig.from_dict(settings)
    reader = Reading(**reading, drop=config.drop)
    check_folder(out)
    check_file(html)
    with from_stdin(source=source, target=target) as files:
        given = Given(
            source=read_side("source", files["source"], reader),
            target=read_side("target", files["target"], reader),
            source_weights=read_weights("source_weights", source_weights),
            target_weights=read_weights("target_weights", target_weights),
        )
    found = run(given, config)
    document = found.to_dict()
    if out is not None:
        write_outputs(out, document, found.critic)
        write_witness(out, document, found.critic, (given.source, given.target))
    write_report(html, document, f"{source} against {target}")
    if as_json:
        print(json.dumps(document, allow_nan=False))
    else:
        show_result(Console(), document, plots=plot)
    judge(document, threshold)


@dataclass(frozen=True)
class Given:
    """What the named files hold: samples or tables, and weights if any."""

    source: Decoded
    target: Decoded
    source_weights: Samples | None
    target_weights: Samples | None


def run(given: Given, config: EstimateConfig) -> "Estimate":
    """Estimate, with a progress bar on stderr where that is a terminal."""
    from kantor.estimator import estimate_w1  # loads torch

    return estimate_w1(
        given.source,
        given.target,
        config,
        source_weights=given.source_weights,
        target_weights=given.target_weights,
        progress=sys.stderr.isatty(),
    )
