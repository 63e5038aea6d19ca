"""Uploads: a dataset in numbered batches, for data that are large or trickle in."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from kantor.service.api.arrivals import Batch
from kantor.service.api.batches import batch_rows, check_digest
from kantor.service.api.bodies import declared_size
from kantor.service.api.dependencies import (
    OwnedDep,
    OwnerDep,
    ReadingDep,
    ServicesDep,
)
from kantor.service.api.intake import Size, save_stream
from kantor.service.api.openapi import BATCH_BODY
from kantor.service.api.schemas import UploadId
from kantor.service.api.uploads import MAX_INDEX, Upload
from kantor.service.api.views import DatasetView, dataset_document, timestamp

router = APIRouter(prefix="/v1/uploads", tags=["datasets"])


class BatchView(BaseModel):
    """One batch that has arrived."""

    index: int
    n: int
    dim: int
    digest: str


class UploadView(BaseModel):
    """An open upload and what has arrived."""

    id: str
    expires_at: str
    n: int
    batches: list[BatchView]


@router.post("", status_code=201, response_model=UploadView, summary="Start an upload")
async def start(services: ServicesDep, owner: OwnerDep) -> Response:
    """Open an upload; it is dropped after a day if it is not completed."""
    upload = await to_thread.run_sync(services.uploads.start, owner)
    headers = {"Location": f"/v1/uploads/{upload.id}"}
    return JSONResponse(_document(upload, []), 201, headers)


@router.get("/{upload_id}", response_model=UploadView, summary="Look at an upload")
async def show(upload_id: UploadId, services: ServicesDep, owner: OwnerDep) -> Response:
    """List the batches that have arrived."""
    upload = services.uploads.find(owner, upload_id)
    batches = await to_thread.run_sync(services.uploads.batches, upload)
    return JSONResponse(_document(upload, batches))


@router.post(
    "/{upload_id}/batches",
    status_code=201,
    response_model=BatchView,
    responses={200: {"model": BatchView, "description": "Arrived before, unchanged"}},
    openapi_extra=BATCH_BODY,
    summary="Send a batch",
)
async def add(
    request: Request,
    upload_id: UploadId,
    services: ServicesDep,
    datasets: OwnedDep,
    reading: ReadingDep,
    index: Annotated[int | None, Query(ge=0, le=MAX_INDEX)] = None,
    content_type: Annotated[str, Header()] = "",
    content_digest: Annotated[str | None, Header()] = None,
) -> Response:
    """Keep samples as batch `index`, in any order, again if in doubt.

    A batch is JSON or a file of any format that is read here; batches of a table have
    the same names, in whatever order. Without an index, batches are appended in the
    order of their arrival; then one that is sent again is there twice.
    """
    settings, uploads, intake = services.settings, services.uploads, services.intake
    upload = uploads.find(datasets.owner, upload_id)

    def keep(path: Path) -> tuple[Batch, bool]:
        check_digest(path, content_digest)
        rows = batch_rows(
            path,
            content_type,
            intake.limits,
            reading,
            max_json_bytes=settings.max_json_bytes,
            max_json_rows=settings.max_json_rows,
        )
        with rows as samples:
            take = datasets.take_room
            kept = uploads.add(upload, index, samples, intake.limits, take)
        batch, is_new = kept
        if not is_new:
            datasets.leave_room(batch.nbytes)
        return kept

    await datasets.admit(declared_size(request))
    with datasets.receiving() as folder:
        path = folder / "batch"
        await save_stream(request.stream(), path)
        size = Size.of_file(path)
        batch, is_new = await intake.in_thread(datasets.owner, keep, path, size=size)
    return JSONResponse(asdict(batch), 201 if is_new else 200)


@router.post(
    "/{upload_id}/complete",
    status_code=201,
    response_model=DatasetView,
    summary="Complete an upload",
)
async def complete(
    upload_id: UploadId, services: ServicesDep, datasets: OwnedDep
) -> Response:
    """Join batches 0 to the last along axis 0 into a dataset.

    It can be repeated: for a day the same dataset is answered.
    """
    info = await datasets.complete(services.uploads, upload_id)
    headers = {"Location": f"/v1/datasets/{info.id}"}
    return JSONResponse(dataset_document(info), 201, headers)


@router.delete(
    "/{upload_id}", status_code=204, response_class=Response, summary="Drop an upload"
)
async def drop(upload_id: UploadId, services: ServicesDep, owner: OwnerDep) -> Response:
    """Close an upload and forget its batches."""
    upload = services.uploads.find(owner, upload_id)
    await to_thread.run_sync(services.uploads.drop, upload)
    return Response(status_code=204)


def _document(upload: Upload, batches: list[Batch]) -> dict[str, Any]:
    return {
        "id": upload.id,
        "expires_at": timestamp(upload.expires_at),
        "n": sum(batch.n for batch in batches),
        "batches": [asdict(batch) for batch in batches],
    }
