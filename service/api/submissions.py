"""From the body of a job request to a job that can be queued: its samples are stored.

Samples come in the request itself, as files of a form, or as datasets that were brought
before; afterwards they are datasets, whichever way they came.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData

from kantor.estimator.config import EstimateConfig
from kantor.estimator.workload import Workload, shape_class, workload_of
from kantor.service.api.bodies import (
    declared_size,
    file_part,
    json_fields,
    media_type,
    parse_json,
    validated,
)
from kantor.service.api.documents import JsonBodies
from kantor.service.api.errors import LimitExceeded, UnsupportedMedia
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.schemas import (
    DatasetReference,
    FormOptions,
    FormSides,
    InlineSide,
    JobOptions,
    JobRequest,
    NamedSide,
    Side,
)
from kantor.service.api.webhooks.setup import Webhooks, accepted_webhook
from kantor.service.decoding import Reading
from kantor.service.queue import NewJob, SampleRef, Webhook
from kantor.service.settings import Settings
from kantor.service.store import DatasetInfo

SIDES = ("source", "target")
FILES = (*SIDES, "source_weights", "target_weights")
_REMEMBERED = 4096


@dataclass(frozen=True)
class Submission:
    """A job request whose samples are stored.

    Attributes:
        bucket: Small jobs of one bucket may be trained as one batch.
    """

    source: SampleRef
    target: SampleRef
    options: JobOptions
    config: dict[str, Any]
    webhook: Webhook | None
    bucket: str = ""

    def job(
        self,
        *,
        owner: str,
        idempotency_key: str | None,
        settings: Settings,
        traceparent: str = "",
    ) -> NewJob:
        """Return the job to queue."""
        options = self.options
        deadline_s = options.deadline_s or settings.default_deadline_s or None
        return NewJob(
            source=self.source,
            target=self.target,
            config=self.config,
            labels=options.labels,
            priority=options.priority,
            deadline_s=deadline_s,
            owner=owner,
            bucket=self.bucket,
            idempotency_key=idempotency_key or "",
            body_digest=self.digest() if idempotency_key else "",
            cache_key=self.cache_key(owner) if options.cache else "",
            quota=settings.max_queued_per_key,
            webhook=self.webhook,
            traceparent=traceparent,
        )

    def digest(self) -> str:
        """Return what an idempotency key stands for: equal requests, equal digest."""
        parts = [
            _asked_for(self.source),
            _asked_for(self.target),
            self.options.model_dump(mode="json"),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def cache_key(self, owner: str) -> str:
        """Return what decides the answer: samples, weights, settings, version.

        And the owner: an answer from cache tells that somebody has asked before.
        """
        sides = [(side.dataset, side.weights) for side in (self.source, self.target)]
        parts = [owner, sides, self.config, _version()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


async def read_submission(
    request: Request,
    datasets: OwnedDatasets,
    webhooks: Webhooks | None,
    *,
    bodies: JsonBodies,
    settings: Settings,
) -> Submission:
    """Read and check a whole job request; afterwards its samples are datasets.

    Raises:
        ServiceError, InvalidInput: Anything about the request is wrong; says what.
    """
    asked: JobRequest | FormOptions

    def checked() -> tuple[JobOptions, EstimateConfig, Webhook | None]:
        """Check what needs no samples, before any are stored."""
        options = asked.options()
        check_record(options, settings)
        config = options.estimate_config()
        return options, config, accepted_webhook(webhooks, options.webhook)

    received = media_type(request.headers.get("content-type", ""))
    match received:
        case "application/json":
            async with bodies.lend(datasets.owner, request) as document:
                asked = validated(JobRequest, document)
                options, config, webhook = checked()
                source, target = [
                    await _side(datasets, n, getattr(asked, n)) for n in SIDES
                ]
        case "multipart/form-data":
            async with _received_form(request, datasets) as form:
                said = json_fields(form, FormOptions.model_fields, files=FILES)
                asked = validated(FormOptions, said)
                options, config, webhook = checked()
                reading = asked.reading.settings()
                source, target = [
                    await _form_side(datasets, form, n, reading) for n in SIDES
                ]
        case _:
            raise UnsupportedMedia(
                "expected application/json or multipart/form-data, "
                f"received {received or 'no content type'!r}"
            )
    values = config.to_dict()
    workload, bucket = cost_of(values, source.n, target.n, source.dim)
    check_workload(workload, settings)
    await datasets.check_comparable(source, target, config)
    return Submission(source, target, options, values, webhook, bucket)


@asynccontextmanager
async def _received_form(
    request: Request, datasets: OwnedDatasets
) -> AsyncIterator[FormData]:
    """Receive a form of files; they are gone when the block ends."""
    most_fields = len(FormOptions.model_fields) + len(SIDES)
    await datasets.admit(declared_size(request))
    with datasets.receiving():
        async with request.form(max_files=len(FILES), max_fields=most_fields) as form:
            yield form


def check_record(options: JobOptions, settings: Settings) -> None:
    """Refuse what is too large to be kept with the job.

    Raises:
        LimitExceeded: Settings, labels and webhook have more bytes than allowed.
    """
    size = len(options.model_dump_json().encode())
    if size > settings.max_record_bytes:
        raise LimitExceeded.at(
            "#",
            f"expected settings and labels of at most {settings.max_record_bytes} "
            f"bytes (max_record_bytes), received {size}",
        )


def check_workload(asked: Workload, settings: Settings) -> None:
    """Refuse what would exhaust a worker, or keep it for ever.

    Raises:
        LimitExceeded: More memory or work is asked for than the operator allows.
    """
    for what, received, allowed in (
        ("max_job_memory_bytes", asked.memory_bytes, settings.max_job_memory_bytes),
        ("max_job_operations", asked.operations, settings.max_job_operations),
    ):
        if received > allowed:
            raise LimitExceeded.at(
                "#/config",
                f"expected a job of at most {allowed:.3g} ({what}), received one of "
                f"{received:.3g}: ask for fewer steps, folds or samples, or for "
                "smaller critics and batches",
            )


def cost_of(values: dict[str, Any], n: int, m: int, dim: int) -> tuple[Workload, str]:
    """Return what a job of these settings and shapes costs at most, and its bucket.

    Neither depends on the seed, which is all that most jobs of one caller differ in.

    Raises:
        InvalidConfig: As `workload_of`.
    """
    return _cost(json.dumps(values | {"seed": 0}, sort_keys=True), n, m, dim)


async def _side(datasets: OwnedDatasets, name: str, given: Side) -> SampleRef:
    called = given.reference if isinstance(given, NamedSide) else None
    samples = await _samples(datasets, name, given)
    if given.weights is None:
        return _reference(samples, called=called)
    place = f"{name}/weights"
    if isinstance(given.weights, DatasetReference):
        weights = datasets.find(given.weights.dataset, f"#/{place}/dataset")
        await datasets.check_weights(place, weights, samples.n)
    else:
        weights = await datasets.keep_weights(place, given.weights, samples.n)
    return _reference(samples, weights, called=called)


async def _samples(datasets: OwnedDatasets, name: str, given: Side) -> DatasetInfo:
    match given:
        case InlineSide():
            return await datasets.keep_rows(name, given.samples)
        case NamedSide():
            place = f"#/{name}/reference"
            newest = datasets.named(given.reference, place).newest
            return datasets.find(newest.dataset, place)
        case _:
            return datasets.find(given.dataset, f"#/{name}/dataset")


async def _form_side(
    datasets: OwnedDatasets, form: FormData, name: str, reading: Reading
) -> SampleRef:
    """Keep the file of a side, or find what a JSON value in its place names."""
    given = form.get(name)
    if isinstance(given, str):
        named = validated(FormSides, {name: parse_json(given)})
        return await _side(datasets, name, getattr(named, name))
    samples = await _kept_part(datasets, form, name, reading)
    field = f"{name}_weights"
    if field not in form:
        return _reference(samples)
    weights = await _kept_part(datasets, form, field, reading)
    await datasets.check_weights(field, weights, samples.n)
    return _reference(samples, weights)


async def _kept_part(
    datasets: OwnedDatasets, form: FormData, field: str, reading: Reading
) -> DatasetInfo:
    part, file_format = file_part(form, field)
    return await datasets.keep_part(field, part.file, file_format, reading)


def _reference(
    samples: DatasetInfo,
    weights: DatasetInfo | None = None,
    *,
    called: str | None = None,
) -> SampleRef:
    weighing = None if weights is None else weights.id
    return SampleRef(samples.id, samples.n, samples.dim, weighing, called)


def _asked_for(side: SampleRef) -> dict[str, Any]:
    """Return what the request said of a side: a name, whatever it stands for now."""
    hidden = {"reference"} if side.reference is None else {"dataset", "n", "dim"}
    return {name: value for name, value in vars(side).items() if name not in hidden}


@lru_cache(_REMEMBERED)
def _cost(settings: str, n: int, m: int, dim: int) -> tuple[Workload, str]:
    """Work out what `cost_of` returns: it follows from these alone."""
    config = EstimateConfig.from_dict(json.loads(settings))
    shapes = n, m, dim
    return workload_of(config, *shapes), shape_class(config, *shapes) or ""


@cache
def _version() -> str:
    return version("kantor")
