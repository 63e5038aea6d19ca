"""What a route may ask for, each by an annotation of its own.

    async def show(job_id: JobId, board: BoardDep, owner: OwnerDep) -> Response: ...

A route names the parts that it works with, and gets those alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Literal

import redis.asyncio
from fastapi import Depends, Query, Request

from kantor.service.api.access import Access
from kantor.service.api.cursors import Cursors
from kantor.service.api.documents import JsonBodies
from kantor.service.api.errors import FieldError, InvalidRequest
from kantor.service.api.holdings import Holdings
from kantor.service.api.intake import Intake
from kantor.service.api.latencies import Latencies
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.rates import spend_request
from kantor.service.api.scopes import needed_scope
from kantor.service.api.services import Services
from kantor.service.api.streams import Streams
from kantor.service.api.templates import route_template
from kantor.service.api.uploads import UploadStore
from kantor.service.api.webhooks.setup import Webhooks
from kantor.service.decoding import Reading, Undecodable
from kantor.service.queue import JobBoard
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore, ReferenceStore
from kantor.service.trails import valid_traceparent

_DELIMITER = "Between the cells of a csv file; `tab` is one, too."
_SIGNS = ("delimiter", "quote", "decimal")


def _part(name: str) -> Callable[[Request], Awaitable[Any]]:
    """Return what fetches a part of the application's services."""

    async def part(request: Request) -> Any:  # a plain function would take a thread
        services: Services = request.app.state.services
        return getattr(services, name)

    return part


SettingsDep = Annotated[Settings, Depends(_part("settings"))]
ClientDep = Annotated[redis.asyncio.Redis, Depends(_part("client"))]
BoardDep = Annotated[JobBoard, Depends(_part("board"))]
DatasetsDep = Annotated[DatasetStore, Depends(_part("datasets"))]
BlobsDep = Annotated[BlobStore, Depends(_part("blobs"))]
BodiesDep = Annotated[JsonBodies, Depends(_part("bodies"))]
IntakeDep = Annotated[Intake, Depends(_part("intake"))]
UploadsDep = Annotated[UploadStore, Depends(_part("uploads"))]
CursorsDep = Annotated[Cursors, Depends(_part("cursors"))]
WebhooksDep = Annotated[Webhooks | None, Depends(_part("webhooks"))]
ClosingDep = Annotated[asyncio.Event, Depends(_part("closing"))]
AccessDep = Annotated[Access, Depends(_part("access"))]
HoldingsDep = Annotated[Holdings, Depends(_part("holdings"))]
_NamesDep = Annotated[ReferenceStore, Depends(_part("references"))]


async def _owner(
    request: Request, access: AccessDep, board: BoardDep, settings: SettingsDep
) -> str:
    """Return who asks, once nothing speaks against the request."""
    access.check_site(request.headers.get("host", ""), request.headers.get("origin"))
    caller = access.caller_of(request.headers.get("authorization"))
    request.scope["state"]["caller"] = caller
    caller.check(needed_scope(request.method, route_template(request.scope)))
    told = await spend_request(board, settings, caller.owner)
    request.scope["state"]["headers"] = told
    return caller.owner


OwnerDep = Annotated[str, Depends(_owner)]
"""The owner that the request's API key belongs to; a route without it asks nobody."""


async def _traceparent(request: Request) -> str:
    own = request.scope["state"].get("traceparent")
    return own or valid_traceparent(request.headers.get("traceparent"))


TraceparentDep = Annotated[str, Depends(_traceparent)]
"""What names the request in traces: its own span, or that of its caller; or empty."""

_StreamsDep = Annotated[Streams, Depends(_part("streams"))]


async def _stream(
    owner: OwnerDep, streams: _StreamsDep
) -> AbstractContextManager[None]:
    """Return what counts a stream while it is open; refuse one too many at once."""
    streams.check(owner)
    return streams.opened(owner)


LatenciesDep = Annotated[Latencies, Depends(_part("latencies"))]
StreamDep = Annotated[AbstractContextManager[None], Depends(_stream)]


async def _owned(
    owner: OwnerDep,
    access: AccessDep,
    intake: IntakeDep,
    holdings: HoldingsDep,
    store: DatasetsDep,
    references: _NamesDep,
) -> OwnedDatasets:
    return OwnedDatasets(owner, access, intake, holdings, store, references)


async def _reading(
    delimiter: Annotated[str | None, Query(description=_DELIMITER)] = None,
    quote: Annotated[str | None, Query(description="Around cells.")] = None,
    decimal: Annotated[str | None, Query(description="Point or comma.")] = None,
    encoding: Annotated[str | None, Query(max_length=40)] = None,
    header: Annotated[Literal["auto", "yes", "no"], Query()] = "auto",
    drop: Annotated[list[str] | None, Query(max_length=100)] = None,
) -> Reading:
    try:
        return Reading(
            delimiter=delimiter,
            quote=quote,
            decimal=decimal,
            encoding=encoding,
            header=header,
            drop=tuple(drop or ()),
        )
    except Undecodable as error:
        place = next(name for name in _SIGNS if name in str(error))
        detail = str(error)
        raise InvalidRequest(detail, FieldError(parameter=place, detail=detail)) from (
            error
        )


ReadingDep = Annotated[Reading, Depends(_reading)]
"""How to read the file in a body, where that shall not be found out."""

OwnedDep = Annotated[OwnedDatasets, Depends(_owned)]
"""The datasets, and names for them, of whoever asks."""
