"""Follow a job in the terminal, and say what becomes of it when one stops looking."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from kantor.estimator.display.progress import Bar, progress_bar
from kantor.service.client import Job

DEFAULT_URL = "http://127.0.0.1:8000"


class Interrupted(Exception):
    """Say what goes on after Ctrl-C, and what to do about it.

    Attributes:
        problem: What to print: `code`, `detail`, and the job if there is one.
    """

    def __init__(self, detail: str, job_id: str | None = None) -> None:
        super().__init__(detail)
        self.problem = {"code": "interrupted", "detail": detail}
        if job_id is not None:
            self.problem["job"] = job_id


def watch(job: Job, *, announced: bool = False) -> None:
    """Wait for a job with a progress bar on stderr.

    Args:
        job: To wait for.
        announced: Whether its id is printed first, on stderr.

    Raises:
        Interrupted: Ctrl-C; the job goes on.
    """
    with told_of(job):
        if announced:
            print(job.id, file=sys.stderr, flush=True)
        with progress_bar("queued", Console(stderr=True)) as bar:
            job.wait(on_update=lambda seen: show_progress(bar, seen))


def show_progress(bar: Bar, job: Job) -> None:
    """Show where a job stands."""
    progress = job.progress or {}
    if job.status == "running" and "max_steps" in progress:
        validation = progress.get("validation")
        bar.update(progress["step"], progress["max_steps"], validation)
    elif job.status == "queued":
        ahead = job.queue_position
        bar.say(f"queued, {ahead} ahead" if ahead else "queued")
    else:
        bar.say(job.status)


@contextmanager
def told_of(job: Job) -> Iterator[None]:
    """Turn Ctrl-C into what to do about the job, which goes on.

    Raises:
        Interrupted: Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        options = options_for(job._client.base_url)
        raise Interrupted(
            f"no longer watching; {job.id} goes on in the service.\n"
            f"  follow it: kantor jobs follow {job.id}{options}\n"
            f"  stop it:   kantor jobs cancel {job.id}{options}",
            job.id,
        ) from None


@contextmanager
def told_that_nothing_is_queued() -> Iterator[None]:
    """Turn Ctrl-C during an upload into words.

    Raises:
        Interrupted: Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted before the job's id was known; nothing was queued unless the "
            "request was already on its way: kantor jobs lists what there is"
        ) from None


def options_for(url: str) -> str:
    """Return what a command needs to reach the same service."""
    plain = url.rstrip("/")
    usual = os.environ.get("KANTOR_URL", DEFAULT_URL).rstrip("/")
    return "" if plain == usual else f" --url {plain}"
