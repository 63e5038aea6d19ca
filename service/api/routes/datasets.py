"""Datasets: upload a file once, refer to it by the digest of its content."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.responses import JSONResponse

from kantor.service.api.bodies import declared_size
from kantor.service.api.dependencies import OwnedDep, ReadingDep
from kantor.service.api.errors import UnsupportedMedia
from kantor.service.api.intake import save_stream
from kantor.service.api.openapi import DATASET_BODY
from kantor.service.api.schemas import DatasetId
from kantor.service.api.views import DatasetView, dataset_document
from kantor.service.formats import (
    MAGIC_BYTES,
    MEDIA_TYPES,
    FileFormat,
    format_of_content,
    format_of_media_type,
)

_BODY = ""  # the field that errors of a raw body are about: the body itself

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])


@router.post(
    "",
    status_code=201,
    response_model=DatasetView,
    openapi_extra=DATASET_BODY,
    summary="Upload a dataset",
)
async def upload(
    request: Request,
    datasets: OwnedDep,
    reading: ReadingDep,
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """Store a file of samples (the raw body); equal data always get an equal id.

    How it is written is found out; parameters say so where that is not to be left to a
    look at its start.
    """
    await datasets.admit(declared_size(request))
    with datasets.receiving() as folder:
        path = folder / "body"
        await save_stream(request.stream(), path)
        file_format = format_of_media_type(content_type) or _recognize(path)
        info = await datasets.keep_file(_BODY, path, file_format, reading)
    headers = {"Location": f"/v1/datasets/{info.id}"}
    return JSONResponse(dataset_document(info), 201, headers)


@router.get("/{dataset_id}", response_model=DatasetView, summary="Look at a dataset")
async def show(dataset_id: DatasetId, datasets: OwnedDep) -> Response:
    """Describe a stored dataset."""
    return JSONResponse(dataset_document(datasets.find(dataset_id)))


@router.delete(
    "/{dataset_id}",
    status_code=204,
    response_class=Response,
    summary="Delete a dataset",
)
async def delete(dataset_id: DatasetId, datasets: OwnedDep) -> Response:
    """Forget a dataset; jobs that still wait for it will fail."""
    datasets.forget(dataset_id)
    return Response(status_code=204)


def _recognize(path: Path) -> FileFormat:
    """Tell the format of a file that was sent without a telling content type.

    Raises:
        UnsupportedMedia: It begins like none of the binary formats.
    """
    with path.open("rb") as file:
        found = format_of_content(file.read(MAGIC_BYTES))
    if found is None:
        raise UnsupportedMedia(f"expected a Content-Type of {', '.join(MEDIA_TYPES)}")
    return found
