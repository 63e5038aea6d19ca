"""What is done with one job, as flows; the job keeps what was learned of it."""

import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.tensors import to_numpy
from kantor.service.client.answers import Dataset, Document, JobState
from kantor.service.client.bodies import arrow_table, is_table
from kantor.service.client.steps import Call, Flow, Pause

Form = Literal["json", "csv", "svg", "png"]

_FIRST_POLL_S = 0.1
_LONGEST_POLL_S = 2.0


def refresh(job: JobState) -> Flow[None]:
    """Look at the job again."""
    job.document = (yield Call(method="GET", path=_path(job))).json()


def wait(
    job: JobState,
    *,
    timeout_s: float | None = None,
    on_update: Callable[[Any], None] | None = None,
) -> Flow[None]:
    """Look at the job until it has ended.

    Args:
        job: The job to wait for.
        timeout_s: Give up after this long; None waits for ever.
        on_update: Called with the job after each look.

    Raises:
        TimeoutError: The job had not ended after `timeout_s`; it goes on.
        KantorError: The service refused, or did not answer.
    """
    until = None if timeout_s is None else time.monotonic() + timeout_s
    pause_s = _FIRST_POLL_S
    while True:
        yield from refresh(job)
        if on_update is not None:
            on_update(job)
        if job.ended:
            return
        if until is not None and time.monotonic() + pause_s > until:
            raise TimeoutError(f"job {job.id} is still {job.status}")
        yield Pause(pause_s)
        pause_s = min(1.5 * pause_s, _LONGEST_POLL_S)


def cancel(job: JobState) -> Flow[None]:
    """Ask for the job's end, in whatever state it is; `wait()` says when it came."""
    answer = yield Call(method="POST", path=_path(job, "cancel"))
    job.document = answer.json()


def delete(job: JobState) -> Flow[bool]:
    """Forget the job; a running one is asked to stop first, and false comes back."""
    answer = yield Call(method="DELETE", path=_path(job))
    return int(answer.status_code) == _GONE


_GONE = 204


def curve(job: JobState, form: Form = "json") -> Flow[bytes]:
    """Return the training curve so far, as json, csv, svg or png."""
    return (yield from _content(job, "curve", {"format": form}))


def differences(job: JobState, form: Form = "json") -> Flow[bytes]:
    """Return where the samples differ: json, or its histogram as csv, svg or png."""
    return (yield from _content(job, "differences", {"format": form}))


def critic(job: JobState) -> Flow[bytes]:
    """Return the critic as a safetensors document."""
    return (yield from _content(job, "critic"))


def report(job: JobState) -> Flow[str]:
    """Return the report of the job's result as one HTML file."""
    return (yield from _content(job, "report")).decode()


def scores(job: JobState, samples: Any) -> Flow[NDArray[np.float64]]:
    """Return the critic's value of each sample: high where the source outweighs.

    Args:
        job: One that has succeeded.
        samples: An array, a frame or dict of columns, a dataset or its id. NaN comes
            back for a row that lacks a value where none did before.
    """
    answer = yield Call(method="POST", path=_path(job, "scores"), json=_asked(samples))
    values = [np.nan if s is None else s for s in answer.json()["scores"]]
    return np.array(values, dtype=np.float64)


def _asked(samples: Any) -> Document:
    if isinstance(samples, Dataset):
        return {"dataset": samples.id}
    if isinstance(samples, str):
        return {"dataset": samples}
    if not is_table(samples):
        return {"samples": to_numpy(samples).tolist()}
    return {"columns": arrow_table(samples).to_pydict()}


def _content(
    job: JobState, part: str, params: dict[str, str] | None = None
) -> Flow[bytes]:
    answer = yield Call(method="GET", path=_path(job, part), params=params)
    content: bytes = answer.content
    return content


def _path(job: JobState, *parts: str) -> str:
    return "/".join(["/v1/jobs", quote(str(job.id), safe=""), *parts])
