"""`kantor submit`, `status`, `cancel`, `curve`, `differences`: talk to a service."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from kantor.service.cli.columns import (
    CATEGORY_WEIGHT,
    COLUMNS,
    DATES,
    DROP,
    NA,
    SCALING,
    named_columns,
)
from kantor.service.cli.estimate import (
    CONFIDENCE,
    CONFIG,
    EFFORT,
    METHOD,
    SEED,
    SOURCE,
    SOURCE_WEIGHTS,
    TARGET,
    TARGET_WEIGHTS,
    chosen_settings,
)
from kantor.service.cli.presentation import progress_bar, show_result
from kantor.service.client import KantorClient

DEFAULT_URL = "http://127.0.0.1:8000"

Url = Annotated[str, typer.Option(envvar="KANTOR_URL", help="Address of the service.")]
ApiKey = Annotated[
    str | None,
    typer.Option(envvar="KANTOR_API_KEY", help="API key, where the service asks."),
]
JobId = Annotated[str, typer.Argument(help="Id of the job, job_...")]
Form = Annotated[str, typer.Option("--format", help="json, csv, svg or png.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the document alone.")]


def submit(
    source: Annotated[Path, SOURCE],
    target: Annotated[Path, TARGET],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the result and show it.")
    ] = False,
    as_json: AsJson = False,
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
    priority: Annotated[int, typer.Option(help="Higher runs earlier.")] = 0,
    webhook: Annotated[
        str | None, typer.Option(help="A https URL that is told of the end.")
    ] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Upload two sample files and queue a job on them."""
    settings = chosen_settings(
        config, effort=effort, seed=seed, confidence=confidence, bound_method=method,
        na=na, dates=dates, scaling=scaling, category_weight=category_weight,
        **named_columns(columns, drop),
    )  # fmt: skip
    with KantorClient(url, api_key=api_key) as client:
        job = client.submit(
            source,
            target,
            config=settings,
            priority=priority,
            webhook=webhook,
            source_weights=source_weights,
            target_weights=target_weights,
        )
        if wait:
            job = watch(client, job["id"])
    show_job(job, as_json=as_json)


def watch(client: KantorClient, job_id: str) -> dict[str, Any]:
    """Wait for a job with a progress bar on stderr."""
    with progress_bar(Console(stderr=True), "training") as update:

        def show(job: dict[str, Any]) -> None:
            progress = job["progress"] or {}
            if "max_steps" in progress:
                validation = progress.get("validation")
                update(progress["step"], progress["max_steps"], validation)

        return client.wait(job_id, on_update=show)


def status(
    job_id: JobId,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Show a job: its status, its result or its error."""
    with KantorClient(url, api_key=api_key) as client:
        show_job(client.job(job_id), as_json=as_json)


def cancel(
    job_id: JobId,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Ask for a job's end; harmless when it has ended."""
    with KantorClient(url, api_key=api_key) as client:
        job = client.cancel(job_id)
    if as_json:
        print(json.dumps(job))
    else:
        requested = " (cancel requested)" if job["cancel_requested"] else ""
        print(f"{job['id']} {job['status']}{requested}")


def curve(
    job_id: JobId,
    form: Form = "csv",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write a job's training curve to stdout."""
    with KantorClient(url, api_key=api_key) as client:
        sys.stdout.buffer.write(client.curve(job_id, form))


def differences(
    job_id: JobId,
    form: Form = "csv",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write to stdout where a job's samples differ, or the histogram of that."""
    with KantorClient(url, api_key=api_key) as client:
        sys.stdout.buffer.write(client.differences(job_id, form))


def show_job(job: dict[str, Any], *, as_json: bool) -> None:
    """Print a job; a failed or cancelled one ends the command with exit code 1."""
    if as_json:
        print(json.dumps(job))
    elif job["result"]:
        show_result(Console(), job["result"])
    else:
        position = job["queue_position"]
        ahead = f", {position} ahead" if position else ""
        print(f"{job['id']} {job['status']}{ahead}")
        if job["error"]:
            print(f"{job['error']['code']}: {job['error']['detail']}")
    if job["status"] in ("failed", "cancelled"):
        raise typer.Exit(1)
