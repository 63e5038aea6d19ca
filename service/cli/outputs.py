"""What a command leaves behind: files, whose places are checked before the work."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from kantor.estimator.display.charts import (
    curve_csv,
    curve_picture,
    histogram_picture,
)
from kantor.estimator.display.html import report
from kantor.service.decoding import Decoded

Document = dict[str, Any]

FAILED = 3
"""Exit code where an answer is above what the caller accepts."""


class Unwritable(OSError):
    """Say that a place cannot be written to, before anything was computed."""


def check_folder(path: Path | None) -> None:
    """Make a folder for outputs and see whether it can be written to.

    Raises:
        Unwritable: It cannot.
    """
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unwritable(f"--out {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Unwritable(f"--out {path}: expected a folder that can be written to")


def check_file(path: Path | None) -> None:
    """See whether a file can be written.

    Raises:
        Unwritable: It cannot.
    """
    if path is None:
        return
    is_there = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise Unwritable(f"--html {path}: {error.strerror}") from error
    if not is_there:
        path.unlink()


def write_report(path: Path | None, result: Document, heading: str) -> None:
    """Write the report of a result; None writes none."""
    if path is not None:
        path.write_text(report(result, heading=heading), "utf-8")


def write_outputs(folder: Path, document: Document, critic: bytes) -> None:
    """Write result.json, curve.csv, curve.png and critic.safetensors."""
    curve = document["curve"]
    (folder / "result.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "curve.csv").write_text(curve_csv(curve))
    picture = curve_picture(curve, result=document, form="png")
    (folder / "curve.png").write_bytes(picture)
    (folder / "critic.safetensors").write_bytes(critic)


def write_witness(
    folder: Path, document: Document, critic: bytes, sides: tuple[Decoded, Decoded]
) -> None:
    """Write the potential of each sample as npy, and witness.png."""
    from kantor.estimator.witness.document import score

    for name, samples in zip(("source", "target"), sides, strict=True):
        np.save(folder / f"{name}_witness.npy", score(critic, samples))
    histogram = document["differences"]["histogram"]
    (folder / "witness.png").write_bytes(histogram_picture(histogram, form="png"))


def judge(result: Document, threshold: float | None) -> None:
    """End the command with `FAILED` where the lower bound is above a threshold."""
    if threshold is None or result["lower_bound"] <= threshold:
        return
    console = Console(stderr=True, soft_wrap=True)
    console.print(
        f"failed: the lower bound {result['lower_bound']:.5g} is above {threshold:g}",
        style="bold red",
        highlight=False,
    )
    raise typer.Exit(FAILED)
