"""What the routes work with, built once and handed down; no globals."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

import redis.asyncio
from fastapi import Depends, Request

from kantor.service.api.access import Access
from kantor.service.api.cursors import Cursors
from kantor.service.api.intake import Intake
from kantor.service.api.rates import spend_request
from kantor.service.api.uploads import UploadStore
from kantor.service.api.webhooks.setup import Webhooks, build_webhooks
from kantor.service.queue import JobBoard
from kantor.service.queue.broker import connect_async
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore


@dataclass(frozen=True)
class Services:
    """Queue, stores and doors of one API process.

    `closing` is set when the server begins to stop, so that open streams end.
    """

    settings: Settings
    client: redis.asyncio.Redis
    board: JobBoard
    datasets: DatasetStore
    blobs: BlobStore
    intake: Intake
    uploads: UploadStore
    access: Access
    cursors: Cursors
    webhooks: Webhooks | None
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def build_services(settings: Settings) -> Services:
    """Build everything from settings; connects to nothing yet.

    Raises:
        ValueError: No Redis URL is set, or a file that is set cannot be used.
    """
    if settings.redis_url is None:
        raise ValueError("expected KANTOR_REDIS_URL, received none")
    client = connect_async(settings.redis_url.get_secret_value())
    datasets = DatasetStore(settings.data_dir)
    return Services(
        settings=settings,
        client=client,
        board=JobBoard(client, settings),
        datasets=datasets,
        blobs=BlobStore(settings.data_dir),
        intake=Intake(settings, datasets),
        uploads=UploadStore(settings.data_dir, datasets),
        access=Access(settings),
        cursors=Cursors(settings.data_dir),
        webhooks=build_webhooks(settings),
    )


async def _services(request: Request) -> Services:  # a plain one would take a thread
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _owner(request: Request) -> str:
    services = await _services(request)
    services.access.check_site(
        request.headers.get("host", ""), request.headers.get("origin")
    )
    owner = services.access.owner_of(request.headers.get("authorization"))
    headers = await spend_request(services.board, services.settings, owner)
    request.scope["state"]["headers"] = headers
    return owner


OwnerDep = Annotated[str, Depends(_owner)]
