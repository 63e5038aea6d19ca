"""`kantor fsck`, `gc`, `drain`, `backup`, `restore`: look after a service."""

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


def gc(
    data_dir: DataDir = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; name what would be.")
    ] = False,
) -> None:
    """Remove now the files that no job needs, as workers do every hour."""
    from kantor.service.upkeep.collecting import collect

    found = collect(settings_with(data_dir=data_dir), dry_run=dry_run)
    swept, verb = found.swept, "would be removed" if dry_run else "removed"
    console = Console()
    if dry_run:
        for name in [*swept.datasets, *swept.blobs]:
            print(name)
    console.print(
        f"{len(swept.datasets)} datasets, {len(swept.blobs)} results and critics, "
        f"{swept.bodies} half received bodies {verb}"
    )
    if found.evicted:
        console.print(f"{found.evicted} copies of what the bucket has removed")


def drain(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Workers or hosts; none: all workers, those to come too."),
    ] = None,
    off: Annotated[
        bool, typer.Option("--off", help="Let them claim jobs again.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until none of their jobs runs.")
    ] = True,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds to wait; then exit 1.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Let workers claim no more jobs, and wait until those that run have ended."""
    from kantor.service.upkeep.draining import begin_drain, end_drain

    settings, console = settings_with(data_dir=data_dir), Console()
    if off:
        left = end_drain(settings, names or [])
        told = ", ".join(sorted(left.names)) or "none"
        console.print(f"drained still: {told}", markup=False)
        return
    empty = begin_drain(
        settings,
        names or [],
        timeout_s=timeout if wait else 0.0,
        on_change=lambda count: console.print(f"no new jobs; {count} run still"),
    )
    if wait and not empty:
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
