"""What a job produces: events while it runs, its curve, where the samples
differ, its critic, a report.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AfterValidator, BaseModel
from redis.exceptions import RedisError
from starlette.responses import FileResponse, JSONResponse

from kantor.estimator.display import html
from kantor.estimator.display.charts import (
    PictureFormat,
    curve_csv,
    curve_picture,
    decimate,
    histogram_csv,
    histogram_picture,
)
from kantor.estimator.result import Differences
from kantor.service.api.dependencies import (
    OwnedDep,
    OwnerDep,
    ServicesDep,
    StreamDep,
    services_of,
)
from kantor.service.api.errors import JobNotFinished
from kantor.service.api.intake import Size
from kantor.service.api.openapi import SCORES_BODY
from kantor.service.api.routes.jobs import find_job
from kantor.service.api.schemas import JobId, OutputFormat
from kantor.service.api.scoring import samples_to_score, scored
from kantor.service.api.views import load_result, timestamp
from kantor.service.api.waiting import follow
from kantor.service.queue import JobBoard, JobEvent, JobRecord

_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An svg carries its styles inside, and is to do nothing else."""

_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A report carries its styles and pictures inside, and is to do nothing else."""

_DRAWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}, "image/png": {}, "image/svg+xml": {}}}
}


def _event_id(given: str) -> str:
    """Check that an id can be one: two numbers of 64 bits."""
    if any(int(part) >= 2**64 for part in given.split("-")):
        raise ValueError(f"expected numbers below 2^64, received {given}")
    return given


EventId = Annotated[
    str,
    Header(pattern=r"^[0-9]{1,20}-[0-9]{1,20}$", max_length=41),
    AfterValidator(_event_id),
]

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"])


async def _job(request: Request, job_id: JobId, owner: OwnerDep) -> JobRecord:
    return await find_job(services_of(request).board, owner, job_id)


JobDep = Annotated[JobRecord, Depends(_job)]


class CurveView(BaseModel):
    """A training curve; `final` once no point can follow."""

    points: list[dict[str, Any]]
    final: bool


class ScoresView(BaseModel):
    """Critic values, in the order of the samples."""

    scores: list[float | None]


@router.get("/events", response_class=EventSourceResponse, summary="Follow a job")
async def events(
    job: JobDep,
    services: ServicesDep,
    stream: StreamDep,
    last_event_id: EventId = "0-0",
) -> AsyncIterator[ServerSentEvent]:
    """Stream a job's events until its end; resumes after `Last-Event-ID`."""
    try:
        board, closing = services.board, services.closing
        following = follow(board, job.id, after=last_event_id, closing=closing)
        with stream:
            async with aclosing(following):
                async for event in following:
                    yield _server_sent(event)
    except RedisError:
        return  # the stream ends; clients come back with Last-Event-ID


@router.get(
    "/curve",
    response_model=CurveView,
    responses=_DRAWN,
    summary="Training curve",
)
async def curve(
    job: JobDep,
    services: ServicesDep,
    form: Annotated[OutputFormat, Query(alias="format")] = "json",
    max_points: Annotated[int, Query(ge=4, le=100_000)] = 2000,
) -> Response:
    """Return the curve so far as json, csv, png or svg, thinned to `max_points`."""
    result = await to_thread.run_sync(load_result, job, services.blobs)
    points = result["curve"] if result else await _reported(services.board, job)
    points = decimate(points, max_points)
    if form == "json":
        return JSONResponse({"points": points, "final": job.status.is_terminal})
    if form == "csv":
        return Response(curve_csv(points), media_type="text/csv")
    picture = await services.intake.in_thread(
        job.owner, lambda: curve_picture(points, result=result, form=form)
    )
    return _picture(picture, form)


@router.get(
    "/witness",
    response_model=Differences,
    responses=_DRAWN,
    deprecated=True,
    summary="Where the samples differ, by its earlier name",
)
@router.get(
    "/differences",
    response_model=Differences,
    responses=_DRAWN,
    summary="Where the samples differ",
)
async def differences(
    job: JobDep,
    services: ServicesDep,
    form: Annotated[OutputFormat, Query(alias="format")] = "json",
) -> Response:
    """Return extreme samples, features and the histogram of critic values as json.

    The histogram alone is there as csv, png or svg as well.
    """
    result = await to_thread.run_sync(load_result, job, services.blobs)
    if result is None:
        raise _not_finished(job)
    found = result["differences"]
    if form == "json":
        return JSONResponse(found)
    histogram = found["histogram"]
    if form == "csv":
        return Response(histogram_csv(histogram), media_type="text/csv")
    picture = await services.intake.in_thread(
        job.owner, lambda: histogram_picture(histogram, form=form)
    )
    return _picture(picture, form)


@router.get(
    "/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
    summary="Report of a result",
)
async def report(job: JobDep, services: ServicesDep) -> Response:
    """Return the result as one HTML file that needs nothing else, to pass on."""
    result = await to_thread.run_sync(load_result, job, services.blobs)
    if result is None:
        raise _not_finished(job)
    heading = _heading(job)
    text = await services.intake.in_thread(
        job.owner, lambda: html.report(result, heading=heading)
    )
    headers = {"Content-Security-Policy": _REPORT_POLICY}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


@router.get(
    "/critic",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
    summary="Download the critic",
)
async def critic(job: JobDep, services: ServicesDep) -> Response:
    """Return the trained critic as a safetensors file."""
    return FileResponse(
        services.blobs.path(_critic_of(job)),
        media_type="application/octet-stream",
        filename=f"{job.id}.safetensors",
    )


@router.post(
    "/scores",
    response_model=ScoresView,
    openapi_extra=SCORES_BODY,
    summary="Score samples",
)
async def scores(
    request: Request,
    job: JobDep,
    services: ServicesDep,
    datasets: OwnedDep,
) -> Response:
    """Return the critic's value of each posted sample: high where P outweighs Q.

    A critic of tables takes `{"columns": {"name": [...]}}` or a dataset with names; a
    row that lacks a value where none did before has no score.
    """
    digest = _critic_of(job)

    def values(document: Any) -> list[float | None]:
        samples = samples_to_score(document, datasets)
        found = scored(services.blobs.get(digest), samples)
        return [None if np.isnan(value) else float(value) for value in found]

    async with services.bodies.lend(datasets.owner, request) as document:
        found = await services.intake.in_thread(
            datasets.owner, values, document, size=Size.LARGE
        )
        return JSONResponse({"scores": found})


def _heading(job: JobRecord) -> str:
    """Say what a job compared, by its labels, and which job it was."""
    names = (job.labels.get("source"), job.labels.get("target"))
    compared = f"{names[0]} against {names[1]} · " if all(names) else ""
    return f"{compared}{job.id} · {timestamp(job.ended_at) or ''}"


async def _reported(board: JobBoard, job: JobRecord) -> list[dict[str, Any]]:
    """Collect the curve of a job without a result from its events."""
    history = await board.history(job.id)
    return [event.data for event in history if "validation" in event.data]


def _critic_of(job: JobRecord) -> str:
    if job.critic is None:
        raise _not_finished(job)
    return job.critic


def _not_finished(job: JobRecord) -> JobNotFinished:
    return JobNotFinished(f"expected a job that has succeeded, this is {job.status}")


def _picture(content: bytes, form: PictureFormat) -> Response:
    media_type = "image/png" if form == "png" else "image/svg+xml"
    headers = {"Content-Security-Policy": _PICTURE_POLICY}
    return Response(content, media_type=media_type, headers=headers)


def _server_sent(event: JobEvent) -> ServerSentEvent:
    data = event.data | {"at": timestamp(event.at)}
    return ServerSentEvent(event=event.type, id=event.id, data=data)
