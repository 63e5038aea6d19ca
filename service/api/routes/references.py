"""References: names for datasets that later batches are compared with."""

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from kantor.service.api.bodies import validated
from kantor.service.api.dependencies import OwnedDep, ServicesDep
from kantor.service.api.openapi import REFERENCE_BODY
from kantor.service.api.schemas import DatasetReference, ReferenceName
from kantor.service.api.views import ReferenceList, ReferenceView, reference_document

router = APIRouter(prefix="/v1/references", tags=["references"])


@router.get("", response_model=ReferenceList, summary="List references")
async def list_references(datasets: OwnedDep) -> Response:
    """List your references by name, each with what it has stood for."""
    data = [reference_document(reference) for reference in datasets.all_named()]
    return JSONResponse({"data": data})


@router.put(
    "/{name}",
    response_model=ReferenceView,
    openapi_extra=REFERENCE_BODY,
    summary="Name a dataset",
)
async def put(
    request: Request, name: ReferenceName, datasets: OwnedDep, services: ServicesDep
) -> Response:
    """Let a name stand for a dataset from now on; jobs queued before keep theirs.

    What it has stood for is kept, and listed, as long as the reference is there.
    """
    async with services.bodies.lend(datasets.owner, request) as document:
        wanted = validated(DatasetReference, document)
    return JSONResponse(reference_document(await datasets.name(name, wanted.dataset)))


@router.get("/{name}", response_model=ReferenceView, summary="Look at a reference")
async def show(name: ReferenceName, datasets: OwnedDep) -> Response:
    """Return the dataset that a name stands for, and its history."""
    return JSONResponse(reference_document(datasets.named(name)))


@router.delete(
    "/{name}",
    status_code=204,
    response_class=Response,
    summary="Forget a reference",
)
async def delete(name: ReferenceName, datasets: OwnedDep) -> Response:
    """Forget a name and its history; the datasets stay as long as others do."""
    await datasets.forget_name(name)
    return Response(status_code=204)
