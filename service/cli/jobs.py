"""`kantor submit`, and `kantor jobs` with what is done to a job that is there.

`kantor status`, `cancel`, `curve` and `differences` are the same, by shorter names.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from kantor.service.cli.estimate import SOURCE, TARGET
from kantor.service.cli.files import sides_of
from kantor.service.cli.following import (
    DEFAULT_URL,
    told_that_nothing_is_queued,
    watch,
)
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
from kantor.service.cli.outputs import check_file, judge
from kantor.service.cli.presentation import show_result
from kantor.service.client import Job, KantorClient
from kantor.service.client.flows import Status
from kantor.service.client.job_flows import Form

_SERVICE = "Service"
Url = Annotated[
    str,
    typer.Option(
        envvar="KANTOR_URL", help="Address of the service.", rich_help_panel=_SERVICE
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar="KANTOR_API_KEY",
        help="API key, where the service asks for one.",
        rich_help_panel=_SERVICE,
    ),
]
JobId = Annotated[str, typer.Argument(help="Id of the job, job_...")]
FormOption = Annotated[Form, typer.Option("--format", help="What to write.")]
AsJson = Annotated[bool, AS_JSON]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="NAME:VALUE; may be repeated.", metavar="NAME:VALUE"),
]


@with_options(SETTINGS, READING, FAILING)
def submit(
    source: Annotated[str, SOURCE],
    target: Annotated[str, TARGET],
    settings: dict[str, Any],
    reading: dict[str, str],
    threshold: float | None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the result and show it.")
    ] = False,
    as_json: AsJson = False,
    html: Annotated[Path | None, HTML] = None,
    plot: Annotated[bool, PLOT] = False,
    source_weights: Annotated[Path | None, SOURCE_WEIGHTS] = None,
    target_weights: Annotated[Path | None, TARGET_WEIGHTS] = None,
    label: Labels = None,
    priority: Annotated[int, typer.Option(help="Higher runs earlier.")] = 0,
    deadline_s: Annotated[
        float | None, typer.Option(help="Give up when it takes longer, in seconds.")
    ] = None,
    cache: Annotated[
        bool, typer.Option(help="Take an earlier answer to the same question.")
    ] = True,
    webhook: Annotated[
        str | None, typer.Option(help="A https URL that is told of the end.")
    ] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Upload two sample files and queue a job on them.

    The job's id is printed as soon as it is known. SOURCE and TARGET may also be ids of
    stored datasets, ds_..., or names of references, @name.
    """
    if not wait and (html is not None or threshold is not None):
        raise typer.BadParameter("expected --wait beside --html, --fail-above and such")
    check_file(html)
    with KantorClient(url, api_key=api_key) as client:
        with told_that_nothing_is_queued(), sides_of(source, target) as sides:
            job = client.submit(
                *sides,
                config=settings,
                labels=labels_of(label),
                priority=priority,
                deadline_s=deadline_s,
                cache=cache,
                webhook=webhook,
                source_weights=source_weights,
                target_weights=target_weights,
                reading=reading,
            )
        if wait:
            watch(job, announced=True)
        show_job(job, as_json=as_json, html=html, plot=plot, threshold=threshold)


def list_jobs(
    status: Annotated[
        Status | None, typer.Option(help="Only those of this status.")
    ] = None,
    label: Labels = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """List your jobs, newest first."""
    with KantorClient(url, api_key=api_key) as client:
        found = client.jobs(status=status, labels=labels_of(label), limit=limit)
        ended = [job.id for job in found if job.status == "succeeded"]
        answers = client.answers(ended[:200]) if ended else {}
    if as_json:
        print(json.dumps([job.document for job in found]))
        return
    Console().print(_listed(found, answers))


def show(
    job_id: JobId,
    as_json: AsJson = False,
    html: Annotated[Path | None, HTML] = None,
    plot: Annotated[bool, PLOT] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Show a job: its status, its result or its error."""
    check_file(html)
    with KantorClient(url, api_key=api_key) as client:
        show_job(client.job(job_id), as_json=as_json, html=html, plot=plot)


@with_options(FAILING)
def follow(
    job_id: JobId,
    threshold: float | None,
    as_json: AsJson = False,
    html: Annotated[Path | None, HTML] = None,
    plot: Annotated[bool, PLOT] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Watch a job until its end, and show what came of it. Ctrl-C leaves it alone."""
    check_file(html)
    with KantorClient(url, api_key=api_key) as client:
        job = client.job(job_id)
        if not job.ended:
            watch(job)
        show_job(job, as_json=as_json, html=html, plot=plot, threshold=threshold)


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
        print(json.dumps(job.document))
    else:
        asked = not job.ended and job.cancel_requested
        print(f"{job.id} {job.status}{' (cancel requested)' if asked else ''}")


def curve(
    job_id: JobId,
    form: FormOption = "csv",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write a job's training curve to stdout."""
    with KantorClient(url, api_key=api_key) as client:
        sys.stdout.buffer.write(client.curve(job_id, form))


def differences(
    job_id: JobId,
    form: FormOption = "csv",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write to stdout where a job's samples differ, or the histogram of that."""
    with KantorClient(url, api_key=api_key) as client:
        sys.stdout.buffer.write(client.differences(job_id, form))


jobs = typer.Typer(no_args_is_help=False, help="List jobs, show, follow, cancel them.")
jobs.command("list")(list_jobs)
jobs.command("show")(show)
jobs.command("follow")(follow)
jobs.command("cancel")(cancel)


@jobs.callback(invoke_without_command=True)
def list_by_default(
    context: typer.Context, url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """List jobs, show, follow, cancel them; without a command, list the latest."""
    if context.invoked_subcommand is None:
        list_jobs(url=url, api_key=api_key)


def show_job(
    job: Job,
    *,
    as_json: bool,
    html: Path | None = None,
    plot: bool = False,
    threshold: float | None = None,
) -> None:
    """Print a job; a failed or cancelled one ends the command with exit code 1."""
    result = job.document["result"]
    if html is not None and result:
        html.write_text(job.report(), "utf-8")
    if as_json:
        print(json.dumps(job.document))
    elif result:
        show_result(Console(), result, plots=plot)
    else:
        ahead = f", {job.queue_position} ahead" if job.queue_position else ""
        print(f"{job.id} {job.status}{ahead}")
        if job.error:
            print(f"{job.error['code']}: {job.error['detail']}")
    if job.status in ("failed", "cancelled"):
        raise typer.Exit(1)
    if result:
        judge(result, threshold)


def labels_of(given: list[str] | None) -> dict[str, str]:
    """Read NAME:VALUE pairs."""
    pairs = [text.partition(":") for text in given or []]
    if any(not colon for _, colon, _ in pairs):
        raise typer.BadParameter("expected --label NAME:VALUE")
    return {name: value for name, _, value in pairs}


def _listed(found: list[Job], answers: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("job", "status", "submitted", "at least", "labels"):
        table.add_column(name, no_wrap=name != "labels", overflow="fold")
    for job in found:
        answer = answers.get(job.id)
        bound = "" if answer is None else f"{answer['lower_bound']:.4g}"
        labels = " ".join(f"{k}:{v}" for k, v in job.labels.items())
        submitted = job.created_at[5:16].replace("T", " ")
        table.add_row(job.id, job.status, submitted, bound, labels)
    return table
