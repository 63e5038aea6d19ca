"""`kantor serve`, `api`, `worker`, `workers`: the processes of the service."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from kantor.service.logs import configure_logs
from kantor.service.settings import Settings


def settings_with(**options: Any) -> Settings:
    """Return the environment's settings with the given options over them."""
    given = {name: value for name, value in options.items() if value is not None}
    return Settings(**given)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of all that is kept.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Worker processes; one per GPU, else as fit the cores."),
    ] = None,
    api_processes: Annotated[
        int | None, typer.Option(help="API processes; one.")
    ] = None,
) -> None:
    """Run the whole service: Valkey (unless KANTOR_REDIS_URL), API and workers."""
    from kantor.service.processes.supervisor import serve as run_service

    settings = settings_with(
        host=host,
        port=port,
        data_dir=data_dir,
        workers=workers,
        api_processes=api_processes,
    )
    configure_logs(settings, "serve")
    console = Console(stderr=True)
    run_service(
        settings,
        on_ready=lambda url: console.print(
            f"Kantor is ready at {url} (documentation: {url}/docs). Ctrl-C stops it."
        ),
    )


def api(
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the HTTP API alone; settings come from KANTOR_* variables."""
    settings = Settings()
    if fd is None and settings.api_processes > 1:
        from kantor.service.processes.supervisor import serve_api

        serve_api(settings)
    else:
        from kantor.service.api import run_api

        run_api(settings, fd=fd)


def worker(
    pulse_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one worker alone; settings come from KANTOR_* variables."""
    from kantor.service.worker import run_worker  # loads torch

    run_worker(Settings(), pulse_fd=pulse_fd)


def workers(
    count: Annotated[
        int | None,
        typer.Option("--count", help="Processes; one per GPU, else as fit the cores."),
    ] = None,
) -> None:
    """Run the workers of this host, one process for each GPU, and keep them running."""
    from kantor.service.processes.supervisor import serve_workers

    serve_workers(settings_with(workers=count))
