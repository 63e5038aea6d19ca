"""The parts of an API process, built once and handed down; no globals.

Routes get them by `dependencies`; whatever a route calls is handed the parts it needs.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis.asyncio

from kantor.service.api.access import Access
from kantor.service.api.cursors import Cursors
from kantor.service.api.documents import JsonBodies
from kantor.service.api.holdings import Holdings
from kantor.service.api.intake import Intake
from kantor.service.api.latencies import Latencies
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.streams import Streams
from kantor.service.api.uploads import UploadStore
from kantor.service.api.webhooks.setup import Webhooks, build_webhooks
from kantor.service.queue import JobBoard
from kantor.service.queue.broker import connect_async
from kantor.service.settings import Settings
from kantor.service.store import (
    BlobStore,
    DatasetStore,
    ReferenceStore,
    open_bucket,
)
from kantor.service.tracing import open_tracer

if TYPE_CHECKING:
    from kantor.service.otel import Tracer


@dataclass(frozen=True)
class Services:
    """Queue, stores and doors of one API process.

    `closing` is set when the server begins to stop, so that open streams end.
    """

    settings: Settings
    client: redis.asyncio.Redis
    board: JobBoard
    datasets: DatasetStore
    references: ReferenceStore
    blobs: BlobStore
    bodies: JsonBodies
    intake: Intake
    holdings: Holdings
    uploads: UploadStore
    streams: Streams
    access: Access
    latencies: Latencies
    cursors: Cursors
    webhooks: Webhooks | None
    tracer: "Tracer | None"
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def owned_by(self, owner: str) -> OwnedDatasets:
        """Return the datasets of an owner, and its names for them."""
        return OwnedDatasets(
            owner,
            self.access,
            self.intake,
            self.holdings,
            self.datasets,
            self.references,
        )

    def adopt(self, settings: Settings) -> None:
        """Go by other API keys from now on; all other settings are as before."""
        for part in (self.access, self.board, self.intake, self.holdings):
            part.adopt(settings)
        self.bodies.share(settings.has_tenants)


def build_services(settings: Settings) -> Services:
    """Build everything from settings; connects to nothing yet.

    Raises:
        ValueError: No Redis URL is set, or a file that is set cannot be used.
    """
    if settings.redis_url is None:
        raise ValueError("expected KANTOR_REDIS_URL, received none")
    client = connect_async(settings.redis_url.get_secret_value())
    bucket = open_bucket(settings)
    datasets = DatasetStore(settings.data_dir, bucket)
    access = Access(settings)
    uploads = UploadStore(
        settings.data_dir, datasets, most=settings.max_uploads_per_key
    )
    return Services(
        settings=settings,
        client=client,
        board=JobBoard(client, settings),
        datasets=datasets,
        references=ReferenceStore(settings.data_dir),
        blobs=BlobStore(settings.data_dir, bucket),
        bodies=JsonBodies(
            settings.max_json_bytes,
            max_rows=settings.max_json_rows,
            is_shared=settings.has_tenants,
        ),
        intake=Intake(settings, datasets),
        holdings=Holdings(settings, access, uploads),
        uploads=uploads,
        streams=Streams(settings.max_streams_per_key),
        access=access,
        latencies=Latencies(client, settings.key_prefix),
        cursors=Cursors(settings.data_dir),
        webhooks=build_webhooks(settings),
        tracer=open_tracer(settings, "api"),
    )
