"""Jobs: submit, look, list, cancel, delete."""

import hashlib
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import StringConstraints
from starlette.responses import JSONResponse

from kantor.service.api.dependencies import (
    OwnerDep,
    ServicesDep,
    services_of,
    traceparent_of,
)
from kantor.service.api.errors import JobNotFound
from kantor.service.api.openapi import JOB_BODY
from kantor.service.api.schemas import JobId
from kantor.service.api.submissions import read_submission
from kantor.service.api.views import JobList, JobView, job_document, load_result
from kantor.service.api.waiting import wait_for_end, wanted_wait_s
from kantor.service.queue import JobBoard, JobFilter, JobRecord, JobStatus
from kantor.service.store import BlobStore

POLL_S = 1
_PAGE = 200
"""Jobs that are read at once where a filter has to look into them."""

_MOST_SCANNED = 1000
"""Jobs that one request looks through; those of the next page come after them."""

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LabelFilter = Annotated[str, StringConstraints(pattern=r"^[^:]+:", max_length=400)]
IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")
]


@router.post(
    "",
    status_code=202,
    response_model=JobView,
    responses={200: {"model": JobView, "description": "Ended within Prefer: wait=N"}},
    openapi_extra=JOB_BODY,
    summary="Submit a job",
)
async def submit(
    request: Request,
    owner: OwnerDep,
    idempotency_key: IdempotencyKey = None,
    prefer: Annotated[str | None, Header()] = None,
) -> Response:
    """Queue an estimation of W1 between two samples.

    With `Prefer: wait=N` the answer waits up to N (at most 60) seconds for the end.
    With an `Idempotency-Key`, repeating the request within 24 h answers the same job.
    """
    wait_s, services = wanted_wait_s(prefer), services_of(request)
    submission = await read_submission(
        request,
        services.owned_by(owner),
        services.webhooks,
        bodies=services.bodies,
        settings=services.settings,
    )
    new = submission.job(
        owner=owner,
        idempotency_key=idempotency_key,
        settings=services.settings,
        traceparent=traceparent_of(request),
    )
    board = services.board
    record = await board.enqueue(new)
    if wait_s is not None:
        record = await wait_for_end(board, record, wait_s, closing=services.closing)
    headers = {"Location": f"/v1/jobs/{record.id}"}
    if record.id != new.id:
        headers["Idempotency-Replayed"] = "true"
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s}"
    waited = wait_s is not None and record.status.is_terminal
    return await _answer(services.blobs, record, 200 if waited else 202, headers)


@router.get("", response_model=JobList, summary="List jobs")
async def list_jobs(
    services: ServicesDep,
    owner: OwnerDep,
    status: Annotated[JobStatus | None, Query()] = None,
    label: Annotated[list[LabelFilter] | None, Query(max_length=8)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """List your jobs, newest first; `label` is `name:value` and may be repeated.

    A page may be short, even empty, while `next_cursor` leads on to more.
    """
    only = JobFilter(status, _labels(label or []))
    board, cursors = services.board, services.cursors
    before = None if cursor is None else cursors.read(owner, cursor)
    found: list[JobRecord] = []
    rows = _PAGE if status or label else min(limit + 1, _PAGE)
    for _ in range(_MOST_SCANNED // rows):
        page = await board.page(owner=owner, before=before, limit=rows, only=only)
        for seq, record in page:
            before = seq
            if record is not None and _matches(record, only):
                found.append(record)
            if len(found) == limit:
                break
        if len(found) == limit or len(page) < rows:
            break
    more = bool(page) and (len(page) == rows or page[-1][0] != before)
    following = cursors.write(owner, before) if more and before else None
    data = [job_document(record) for record in found]
    return JSONResponse({"data": data, "next_cursor": following})


@router.get(
    "/{job_id}",
    response_model=JobView,
    responses={304: {"description": "Unchanged since the ETag was given"}},
    summary="Look at a job",
)
async def show(
    request: Request,
    job_id: JobId,
    owner: OwnerDep,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return a job as it stands, with its result once it has succeeded."""
    services = services_of(request)
    record = await find_job(services.board, owner, job_id)
    response = await _answer(services.blobs, record, 200, {})
    if if_none_match and response.headers["ETag"] in if_none_match:
        kept = {
            k: v for k, v in response.headers.items() if k in {"etag", "retry-after"}
        }
        return Response(status_code=304, headers=kept)
    return response


@router.post(
    "/{job_id}/cancel",
    response_model=JobView,
    responses={202: {"model": JobView, "description": "Stops at its next report"}},
    summary="Cancel a job",
)
async def cancel(job_id: JobId, services: ServicesDep, owner: OwnerDep) -> Response:
    """Cancel a job in whatever state it is; an ended one stays as it is."""
    await find_job(services.board, owner, job_id)
    record = await services.board.cancel(job_id)
    if record is None:
        raise JobNotFound(job_id)
    status = 200 if record.status.is_terminal else 202
    return await _answer(services.blobs, record, status, {})


@router.delete(
    "/{job_id}",
    status_code=204,
    response_class=Response,
    responses={202: {"model": JobView, "description": "Running: being cancelled"}},
    summary="Delete a job",
)
async def delete(job_id: JobId, services: ServicesDep, owner: OwnerDep) -> Response:
    """Forget a job. A queued one is cancelled first.

    A running one is asked to stop and answered with 202: delete it again once it ended.
    """
    board = services.board
    record = await board.get(job_id)
    if record is None or record.owner != owner:
        return Response(status_code=204)
    if not record.status.is_terminal:
        record = await board.cancel(job_id)
    if record is not None and not record.status.is_terminal:
        return await _answer(services.blobs, record, 202, {})
    await board.delete(job_id)
    return Response(status_code=204)


async def find_job(board: JobBoard, owner: str, job_id: str) -> JobRecord:
    """Return an owner's job.

    Raises:
        JobNotFound: There is none of that id, or it belongs to others.
    """
    record = await board.get(job_id)
    if record is None or record.owner != owner:
        raise JobNotFound(job_id)
    return record


async def _answer(
    blobs: BlobStore, record: JobRecord, status: int, headers: dict[str, str]
) -> JSONResponse:
    """Render a job, with the headers that polling callers use."""
    result = None
    if record.result is not None:
        result = await to_thread.run_sync(load_result, record, blobs)
    response = JSONResponse(job_document(record, result=result), status, headers)
    digest = hashlib.sha256(response.body).hexdigest()[:32]
    response.headers["ETag"] = f'"{digest}"'
    response.headers["Cache-Control"] = "private, no-cache"
    if not record.status.is_terminal:
        response.headers["Retry-After"] = str(POLL_S)
    return response


def _labels(given: list[str]) -> dict[str, str]:
    pairs = (text.partition(":") for text in given)
    return {name: value for name, _, value in pairs}


def _matches(record: JobRecord, only: JobFilter) -> bool:
    return (only.status is None or record.status is only.status) and (
        only.labels.items() <= record.labels.items()
    )
