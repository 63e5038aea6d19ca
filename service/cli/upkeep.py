"""`kantor fsck`, `backup`, `restore`: look after a data folder."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kantor.service.cli.processes import settings_with

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of all that is kept; KANTOR_DATA_DIR.")
]


def fsck(data_dir: DataDir = None) -> None:
    """Read every stored file and look over every job; exit 1 if anything is wrong."""
    from kantor.service.upkeep.checking import check_everything

    settings = settings_with(data_dir=data_dir)
    console = Console()
    findings = check_everything(settings)
    console.print(f"{findings.files} files read, {len(findings.damaged)} damaged")
    for name in findings.damaged:
        console.print(f"damaged, and moved away: {name}; store the same data again")
    if findings.jobs is None:
        console.print("jobs not looked at: no server runs on this folder")
    else:
        console.print(f"{findings.jobs} jobs looked at")
    for job_id in findings.unanswered:
        console.print(f"result missing: {job_id}; submit it again")
    for job_id in findings.stranded:
        console.print(f"samples missing: {job_id}; upload them again")
    if not findings.are_clean:
        raise typer.Exit(1)


def backup(
    destination: Annotated[Path, typer.Argument(help="A new folder, or a backup.")],
    data_dir: DataDir = None,
) -> None:
    """Copy queue and store to a folder, while the service runs or not."""
    from kantor.service.upkeep.backup import back_up

    copied = back_up(settings_with(data_dir=data_dir), destination)
    _tell(copied.files, copied.damaged, "copied")
    if copied.queue == "external":
        Console().print(
            "the queue is not in it: back up the server of KANTOR_REDIS_URL"
        )


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `backup` has made.")],
    data_dir: DataDir = None,
) -> None:
    """Bring a backup back into an empty data folder, comparing every file."""
    from kantor.service.upkeep.backup import restore as bring_back

    copied = bring_back(source, settings_with(data_dir=data_dir))
    _tell(copied.files, copied.damaged, "restored")


def _tell(files: int, damaged: list[str], what: str) -> None:
    console = Console()
    console.print(f"{files} files {what}, {len(damaged)} damaged and left out")
    for name in damaged:
        console.print(f"damaged: {name}")
    if damaged:
        raise typer.Exit(1)
