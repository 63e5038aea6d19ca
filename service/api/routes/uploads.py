"""Uploads: a dataset in numbered batches, for data that are large or trickle in."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.responses import JSONResponse

from kantor.estimator.samples.pair import MIN_SAMPLES, check_samples
from kantor.service.api.errors import (
    BodyTooLarge,
    DigestMismatch,
    InvalidFile,
    InvalidRequest,
    UnsupportedMedia,
)
from kantor.service.api.intake import refuse_booleans, save_stream
from kantor.service.api.openapi import BATCH_BODY
from kantor.service.api.requests import parse_json, validated
from kantor.service.api.schemas import InlineSamples, UploadId
from kantor.service.api.services import OwnerDep, Services, ServicesDep
from kantor.service.api.uploads import MAX_INDEX, Batch, Upload
from kantor.service.api.views import DatasetView, dataset_document, timestamp
from kantor.service.decoding import Undecodable, decode
from kantor.service.formats import FileFormat, format_of_media_type

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
    upload = services.uploads.start(owner)
    headers = {"Location": f"/v1/uploads/{upload.id}"}
    return JSONResponse(_document(upload, []), 201, headers)


@router.get("/{upload_id}", response_model=UploadView, summary="Look at an upload")
async def show(upload_id: UploadId, services: ServicesDep, owner: OwnerDep) -> Response:
    """List the batches that have arrived."""
    upload = services.uploads.find(owner, upload_id)
    return JSONResponse(_document(upload, services.uploads.batches(upload)))


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
    index: Annotated[int, Query(ge=0, le=MAX_INDEX)],
    services: ServicesDep,
    owner: OwnerDep,
    content_type: Annotated[str, Header()] = "",
    content_digest: Annotated[str | None, Header()] = None,
) -> Response:
    """Keep samples (npy or JSON) as batch `index`, in any order, again if in doubt."""
    upload = services.uploads.find(owner, upload_id)
    with services.intake.folder() as folder:
        path = Path(folder) / "batch"
        await save_stream(request.stream(), path)
        batch, is_new = await services.intake.in_thread(
            _keep, services, upload, index, path, content_type, content_digest
        )
    return JSONResponse(asdict(batch), 201 if is_new else 200)


@router.post(
    "/{upload_id}/complete",
    status_code=201,
    response_model=DatasetView,
    summary="Complete an upload",
)
async def complete(
    upload_id: UploadId, services: ServicesDep, owner: OwnerDep
) -> Response:
    """Join batches 0 to the last along axis 0 into a dataset."""
    upload = services.uploads.find(owner, upload_id)
    rows = sum(batch.n for batch in services.uploads.batches(upload))
    if rows < MIN_SAMPLES:
        raise InvalidRequest(
            f"expected at least {MIN_SAMPLES} samples, received {rows}"
        )
    info = await services.intake.in_thread(services.uploads.complete, upload)
    services.access.grant(owner, info.id)
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


def check_digest(path: Path, header: str | None) -> None:
    """Check a body against its `Content-Digest` (RFC 9530), if it has one.

    Raises:
        DigestMismatch: They differ, or the header has no sha-256.
    """
    if header is None:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if not hmac.compare_digest(_declared_digest(header), digest):
        raise DigestMismatch("expected the body that Content-Digest describes")


def _declared_digest(header: str) -> bytes:
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "sha-256" and value[:1] == value[-1:] == ":":
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except binascii.Error:
                break
    raise DigestMismatch("expected Content-Digest: sha-256=:<base64>:")


def _keep(
    services: Services,
    upload: Upload,
    index: int,
    path: Path,
    content_type: str,
    content_digest: str | None,
) -> tuple[Batch, bool]:
    check_digest(path, content_digest)
    limits = services.intake.limits
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        rows = _rows(path, services.settings.max_json_bytes)
        return services.uploads.add(upload, index, rows, limits)
    if format_of_media_type(media_type) is not FileFormat.NPY:
        raise UnsupportedMedia("expected application/x-npy or application/json")
    try:
        with decode(path, FileFormat.NPY, limits) as array:
            rows = check_samples("", array, fewest=1)
            return services.uploads.add(upload, index, rows, limits)
    except Undecodable as error:
        raise InvalidFile.at("#", str(error)) from error


def _rows(path: Path, max_bytes: int) -> NDArray[np.generic]:
    if path.stat().st_size > max_bytes:
        raise BodyTooLarge(max_bytes)
    rows = validated(InlineSamples, parse_json(path.read_bytes())).samples
    refuse_booleans("samples", rows)
    return check_samples("samples", rows, fewest=1)


def _document(upload: Upload, batches: list[Batch]) -> dict[str, Any]:
    return {
        "id": upload.id,
        "expires_at": timestamp(upload.expires_at),
        "n": sum(batch.n for batch in batches),
        "batches": [asdict(batch) for batch in batches],
    }
