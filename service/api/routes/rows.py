"""Rows of a stored dataset: what a person wants to see of it."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import BaseModel

from kantor.estimator.samples.table import Table, told
from kantor.service.api.dependencies import OwnedDep, ServicesDep
from kantor.service.api.errors import FieldError, InvalidRequest
from kantor.service.api.schemas import DatasetId
from kantor.service.store import DatasetStore

MOST_ROWS = 100
MOST_VALUES = 1_000_000
"""Values of one answer; of wide rows it has fewer columns, and says of how many."""

router = APIRouter(prefix="/v1/datasets/{dataset_id}/rows", tags=["datasets"])

Place = Annotated[int, Query(ge=0)]


class RowView(BaseModel):
    """One sample by its place in the dataset, from 0; null is a missing value."""

    row: int
    values: list[float | str | bool | None]


class RowList(BaseModel):
    """Some rows of a dataset of `n` rows and `dim` columns."""

    n: int
    dim: int
    rows: list[RowView]


@router.get("", summary="Look at rows of a dataset")
async def rows(
    dataset_id: DatasetId,
    owned: OwnedDep,
    services: ServicesDep,
    row: Annotated[list[Place] | None, Query(max_length=MOST_ROWS)] = None,
) -> RowList:
    """Return the rows at these places, or the first five."""
    info = owned.find(dataset_id)
    places = list(range(min(5, info.n))) if row is None else row
    beyond = [place for place in places if place >= info.n]
    if beyond:
        detail = f"expected rows below {info.n}, received {beyond[0]}"
        raise InvalidRequest(detail, FieldError(parameter="row", detail=detail))
    columns = min(info.dim, MOST_VALUES // max(len(places), 1))
    store = services.datasets
    read = await to_thread.run_sync(_read, store, dataset_id, places, columns)
    return RowList(n=info.n, dim=info.dim, rows=read)


def _read(
    datasets: DatasetStore, dataset_id: str, places: list[int], columns: int
) -> list[Any]:
    found = datasets.open(dataset_id)
    if isinstance(found, Table):
        known, lines = found.columns[:columns], found.values[places, :columns]
        return [
            RowView(row=place, values=list(map(told, known, map(float, line))))
            for place, line in zip(places, lines, strict=True)
        ]
    values = found[places, :columns]
    return [
        RowView(row=place, values=[float(value) for value in line])
        for place, line in zip(places, values, strict=True)
    ]
