"""What either client can do with a service, as flows; one function a method.

`job_flows` has what is done with one job.
"""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from kantor.service.client.answers import (
    Answer,
    Dataset,
    Document,
    JobState,
    Reference,
    Upload,
)
from kantor.service.client.bodies import (
    Batch,
    Batches,
    batch_of,
    body_of,
    digest_of,
)
from kantor.service.client.steps import Call, Flow

Samples = Any
"""What a client sends: an array of numpy, torch, JAX or CuPy, nested lists, a frame or
dict of columns, the path of a file, a `Dataset` or its id, a `Reference` or
`{"reference": "name"}`."""

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

_PAGE = 200
_ID = "ds_"
_ID_LENGTH = 67


def info() -> Flow[Document]:
    """Return what the service says about itself: versions and limits."""
    return (yield from _json("GET", "/v1/info"))


def health() -> Flow[Document]:
    """Return what the process says of itself; it answers at once, whatever is away."""
    answer = yield Call(method="GET", path="/healthz", patient=False)
    document: Document = answer.json()
    return document


def ready() -> Flow[Document]:
    """Return the readiness report; an unready service raises `Busy`, at once."""
    answer = yield Call(method="GET", path="/readyz", patient=False)
    document: Document = answer.json()
    return document


def metrics() -> Flow[str]:
    """Return the service's metrics, as Prometheus reads them."""
    answer = yield Call(method="GET", path="/metrics")
    text: str = answer.text
    return text


def settings() -> Flow[list[Document]]:
    """Return every setting of an estimation: type, default, range and meaning."""
    found = yield from _json("GET", "/v1/settings")
    return list(found["settings"])


def webhook_secrets() -> Flow[list[str]]:
    """Return the secrets that sign what your webhooks receive."""
    return list((yield from _json("GET", "/v1/webhooks/secrets"))["secrets"])


def drain() -> Flow[Document]:
    """Let no worker claim a job from now on; returns how many jobs run still.

    Needs a key with the scope `operate`, as `drained` and `end_drain`.
    """
    return (yield from _json("PUT", "/v1/drain"))


def drained() -> Flow[Document]:
    """Return which workers claim no jobs, and how many jobs they hold."""
    return (yield from _json("GET", "/v1/drain"))


def end_drain() -> Flow[Document]:
    """Let all workers claim jobs again."""
    return (yield from _json("DELETE", "/v1/drain"))


def request(
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    repeatable: bool | None = None,
) -> Flow[Document]:
    """Send any request and return its JSON, for what has no method of its own.

    Args:
        method: Of HTTP.
        path: Below the service's address, such as `/v1/info`.
        params: Of the query.
        json: Body of the request.
        repeatable: Whether sending it twice does no more than sending it once; by
            default all but POST.
    """
    may_repeat = method != "POST" if repeatable is None else repeatable
    answer = yield Call(
        method=method, path=path, params=params, json=json, repeatable=may_repeat
    )
    document: Document = answer.json() if answer.content else {}
    return document


def upload_dataset(
    samples: Samples | bytes,
    *,
    media_type: str | None = None,
    reading: Mapping[str, str] | None = None,
) -> Flow[Dataset]:
    """Store samples and return their dataset.

    An array or table of more than 16 MiB goes up in batches, each with its digest.
    Equal data get an equal id, so that sending them again is harmless.

    Args:
        samples: What `submit` takes, or the bytes of a file.
        media_type: What the bytes are, such as `text/csv`.
        reading: How to read text where a look at it says too little: `delimiter`,
            `quote`, `decimal`, `encoding`, `header`.

    Raises:
        Refused: The service cannot read them; says why.
    """
    body = body_of(samples, media_type)
    if isinstance(body, Batches):
        return (yield from _in_batches(body))
    headers = {"Content-Type": body.media_type}
    answer = yield Call(
        method="POST",
        path="/v1/datasets",
        params=reading or None,
        content=body.blocks,
        headers=headers,
    )
    return Dataset(answer.json())


def dataset(dataset_id: str) -> Flow[Dataset]:
    """Return what is known of a stored dataset."""
    return Dataset((yield from _json("GET", _path("datasets", dataset_id))))


def rows(dataset_id: str, places: Sequence[int] | None = None) -> Flow[list[Document]]:
    """Return rows of a dataset by their place from 0; by default the first five."""
    params = None if places is None else {"row": list(places)}
    path = _path("datasets", dataset_id, "rows")
    return list((yield from _json("GET", path, params=params))["rows"])


def delete_dataset(dataset_id: str) -> Flow[None]:
    """Forget a dataset; jobs that still wait for it will fail."""
    yield Call(method="DELETE", path=_path("datasets", dataset_id))


def name_dataset(name: str, dataset_id: str | Dataset) -> Flow[Reference]:
    """Let a name stand for a stored dataset from now on; return the reference."""
    stored = dataset_id.id if isinstance(dataset_id, Dataset) else dataset_id
    path, body = _path("references", name), {"dataset": stored}
    return Reference((yield from request("PUT", path, json=body)))


def references() -> Flow[list[Reference]]:
    """Return all references, by name."""
    found = yield from _json("GET", "/v1/references")
    return [Reference(document) for document in found["data"]]


def reference(name: str) -> Flow[Reference]:
    """Return what a name stands for, with its versions, the newest first."""
    return Reference((yield from _json("GET", _path("references", name))))


def forget_reference(name: str) -> Flow[None]:
    """Forget a name and its history; the datasets stay for a while."""
    yield Call(method="DELETE", path=_path("references", name))


def start_upload() -> Flow[Upload]:
    """Open an upload, for samples that come in batches."""
    return Upload((yield from _json("POST", "/v1/uploads")))


def upload(upload_id: str) -> Flow[Upload]:
    """Return an upload and what has arrived of it."""
    return Upload((yield from _json("GET", _path("uploads", upload_id))))


def send_batch(upload_id: str, samples: Samples, *, index: int) -> Flow[Document]:
    """Send batch `index` of an upload; sending it again is harmless.

    Args:
        upload_id: Of `start_upload`.
        samples: Rows (n, d) or (n,), or a table with the names of the other batches.
        index: Its place; batches may come in any order, several at once.
    """
    return (yield from _send(upload_id, batch_of(samples), index))


def complete_upload(upload_id: str) -> Flow[Dataset]:
    """Join the batches of an upload into a dataset; can be repeated for a day."""
    path = _path("uploads", upload_id, "complete")
    answer = yield Call(method="POST", path=path)
    return Dataset(answer.json())


def drop_upload(upload_id: str) -> Flow[None]:
    """Close an upload and forget its batches."""
    yield Call(method="DELETE", path=_path("uploads", upload_id))


def submit(
    source: Samples,
    target: Samples,
    *,
    config: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    priority: int = 0,
    deadline_s: float | None = None,
    webhook: str | Mapping[str, Any] | None = None,
    source_weights: Samples | None = None,
    target_weights: Samples | None = None,
    idempotency_key: str | None = None,
    wait_s: int | None = None,
    reading: Mapping[str, str] | None = None,
    **options: Any,
) -> Flow[Document]:
    """Bring both sides to the service and queue a job.

    Args:
        source: Samples of P: an array, a frame, a file, a dataset or a reference.
        target: Samples of Q.
        config: Settings of the estimation.
        labels: Names of your own, to find the job by.
        priority: Higher runs earlier.
        deadline_s: Give up when the job has not ended after this long.
        webhook: A https URL that is told of the end, where the service does that.
        source_weights: One number for each source sample; None: all weigh alike.
        target_weights: The same for the target.
        idempotency_key: Submitting twice with one key makes one job. Without it each
            call has its own, so that its retries make one job, too.
        wait_s: Let the service answer only at the end, or after so many seconds.
        reading: How to read files of text; see `upload_dataset`.
        options: Any other field of the request, as docs/api.md lists them.

    Raises:
        Refused: Samples or settings are wrong; `field` says which.
    """
    body: Document = {
        "source": (yield from _side(source, source_weights, reading)),
        "target": (yield from _side(target, target_weights, reading)),
        "config": dict(config or {}),
        "labels": dict(labels or {}),
        "priority": priority,
        "deadline_s": deadline_s,
        **options,
    }
    if webhook is not None:
        told = {"url": webhook} if isinstance(webhook, str) else dict(webhook)
        body["webhook"] = told
    headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
    if wait_s is not None:
        headers["Prefer"] = f"wait={wait_s}"
    answer = yield Call(
        method="POST",
        path="/v1/jobs",
        json=body,
        headers=headers,
        more_time_s=wait_s or 0.0,
    )
    document: Document = answer.json()
    return document


def job(job_id: str) -> Flow[Document]:
    """Return a job as it stands."""
    return (yield from _json("GET", _path("jobs", job_id)))


def jobs(
    *,
    status: Status | None = None,
    labels: Mapping[str, str] | None = None,
    limit: int = 50,
) -> Flow[list[Document]]:
    """Return your jobs, newest first, without their results.

    Args:
        status: Only those of it.
        labels: Only those that have all of these.
        limit: How many at most; as many pages are fetched as that takes.
    """
    params: Document = {"label": [f"{k}:{v}" for k, v in (labels or {}).items()]}
    if status is not None:
        params["status"] = status
    found: list[Document] = []
    while len(found) < limit:
        params["limit"] = min(_PAGE, limit - len(found))
        page = yield from _json("GET", "/v1/jobs", params=params)
        found += page["data"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    return found


def answers(job_ids: Sequence[str]) -> Flow[dict[str, Document]]:
    """Return the numbers of many results, by job; 200 at most."""
    params = {"job": [str(job_id) for job_id in job_ids]}
    return dict((yield from _json("GET", "/v1/answers", params=params))["answers"])


def state_of(job_id: "str | JobState") -> JobState:
    """Return a job by its id, not looked at yet; a job as it is."""
    return job_id if isinstance(job_id, JobState) else JobState({"id": job_id})


def _side(
    samples: Samples, weights: Samples | None, reading: Mapping[str, str] | None
) -> Flow[Document]:
    """Return a side of the request; samples that are not there yet go up first."""
    side: Document = dict((yield from _stored(samples, reading)))
    if weights is not None:
        side["weights"] = dict((yield from _stored(weights)))
    return side


def _stored(
    samples: Samples, reading: Mapping[str, str] | None = None
) -> Flow[Document]:
    if isinstance(samples, Dataset):
        return {"dataset": samples.id}
    if isinstance(samples, Reference):
        return {"reference": samples.name}
    if _is_id(samples):
        return {"dataset": samples}
    if isinstance(samples, Mapping) and _is_pointer(samples):
        return dict(samples)
    is_file = isinstance(samples, str | Path)
    found = yield from upload_dataset(samples, reading=reading if is_file else None)
    return {"dataset": found.id}


def _is_id(samples: Samples) -> bool:
    is_text = isinstance(samples, str) and not isinstance(samples, Path)
    return is_text and samples.startswith(_ID) and len(samples) == _ID_LENGTH


def _is_pointer(samples: Mapping[str, Any]) -> bool:
    """Tell `{"dataset": "ds_..."}` or `{"reference": "a"}` from a dict of columns."""
    return samples.keys() <= {"dataset", "reference", "weights"} and any(
        isinstance(samples.get(name), str) for name in ("dataset", "reference")
    )


def _in_batches(batches: Batches) -> Flow[Dataset]:
    started = yield from start_upload()
    for index, batch in enumerate(batches):
        yield from _send(started.id, batch, index)
    return (yield from complete_upload(started.id))


def _send(upload_id: str, batch: Batch, index: int) -> Flow[Document]:
    digest = digest_of(batch.content)
    answer = yield Call(
        method="POST",
        path=_path("uploads", upload_id, "batches"),
        params={"index": index},
        content=lambda: [batch.content],
        headers={"Content-Type": batch.media_type, "Content-Digest": digest},
    )
    document: Document = answer.json()
    return document


def _json(
    method: str, path: str, *, params: Mapping[str, Any] | None = None
) -> Flow[Document]:
    answer = yield Call(method=method, path=path, params=params)
    document: Document = answer.json()
    return document


def _path(kind: str, identifier: str | Answer, *more: str) -> str:
    """Return the path of a thing of the service, by its id or by itself."""
    name = identifier["id"] if isinstance(identifier, Answer) else identifier
    return "/".join(["/v1", kind, quote(str(name), safe=""), *more])
