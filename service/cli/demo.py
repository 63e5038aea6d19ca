"""`kantor demo`: the whole service on real data, in a minute."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_OUT = Path("demo-output")


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = DEFAULT_OUT,
) -> None:
    """Serve, submit handwritten digits over HTTP, and show what comes back."""
    from kantor.service.cli.demonstration import run_demo

    if not run_demo(out):
        raise typer.Exit(1)
