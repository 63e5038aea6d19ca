"""What a route may ask for, each by an annotation of its own.

    async def show(job_id: JobId, board: BoardDep, owner: OwnerDep) -> Response: ...

A route names the parts that it works with, and gets those alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import redis.asyncio
from fastapi import Depends, Request

from kantor.service.api.access import Access
from kantor.service.api.cursors import Cursors
from kantor.service.api.intake import Intake
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.rates import spend_request
from kantor.service.api.services import Services
from kantor.service.api.uploads import UploadStore
from kantor.service.api.webhooks.setup import Webhooks
from kantor.service.queue import JobBoard
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore


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
IntakeDep = Annotated[Intake, Depends(_part("intake"))]
UploadsDep = Annotated[UploadStore, Depends(_part("uploads"))]
CursorsDep = Annotated[Cursors, Depends(_part("cursors"))]
WebhooksDep = Annotated[Webhooks | None, Depends(_part("webhooks"))]
ClosingDep = Annotated[asyncio.Event, Depends(_part("closing"))]
_AccessDep = Annotated[Access, Depends(_part("access"))]
_StoreDep = Annotated[DatasetStore, Depends(_part("datasets"))]


async def _owner(
    request: Request, access: _AccessDep, board: BoardDep, settings: SettingsDep
) -> str:
    """Return who asks, once nothing speaks against the request."""
    access.check_site(request.headers.get("host", ""), request.headers.get("origin"))
    owner = access.owner_of(request.headers.get("authorization"))
    request.scope["state"]["headers"] = await spend_request(board, settings, owner)
    return owner


OwnerDep = Annotated[str, Depends(_owner)]
"""The owner that the request's API key belongs to; a route without it asks nobody."""


async def _owned(
    owner: OwnerDep, access: _AccessDep, intake: IntakeDep, store: _StoreDep
) -> OwnedDatasets:
    return OwnedDatasets(owner, access, intake, store)


OwnedDep = Annotated[OwnedDatasets, Depends(_owned)]
"""The datasets of whoever asks."""
