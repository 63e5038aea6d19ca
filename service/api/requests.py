"""Read the body of a job request, JSON or form, into options and stored datasets."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import FormData, UploadFile

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import InvalidSamples
from kantor.service.api.errors import (
    BodyTooLarge,
    DatasetNotFound,
    InvalidRequest,
    NotUnderstood,
    UnsupportedMedia,
)
from kantor.service.api.intake import save_file
from kantor.service.api.problems import field_errors
from kantor.service.api.schemas import (
    DatasetReference,
    InlineSamples,
    InlineSide,
    JobOptions,
    JobRequest,
    StoredSide,
)
from kantor.service.api.services import Services
from kantor.service.api.webhooks.setup import accepted_webhook
from kantor.service.formats import (
    FileFormat,
    UnknownFormat,
    format_of_media_type,
    format_of_name,
)
from kantor.service.queue import SampleRef, Webhook
from kantor.service.store import DatasetInfo, UnknownDataset

Model = TypeVar("Model", bound=BaseModel)

SIDES = ("source", "target")
_FILES = (*SIDES, "source_weights", "target_weights")
_JSON_FIELDS = ("config", "labels", "priority", "deadline_s", "cache", "webhook")


@dataclass(frozen=True)
class Submission:
    """A job request whose samples are stored."""

    source: SampleRef
    target: SampleRef
    options: JobOptions
    config: dict[str, Any]
    webhook: Webhook | None

    def digest(self) -> str:
        """Return what an idempotency key stands for: equal requests, equal digest."""
        parts = [
            vars(self.source),
            vars(self.target),
            self.options.model_dump(mode="json"),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def cache_key(self) -> str:
        """Return what decides the answer: samples, weights, settings, version."""
        sides = [(side.dataset, side.weights) for side in (self.source, self.target)]
        parts = [sides, self.config, _version()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


async def read_submission(
    request: Request, services: Services, owner: str
) -> Submission:
    """Read and check a whole job request; afterwards its samples are datasets.

    Raises:
        ServiceError, InvalidInput: Anything about the request is wrong; says what.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    match media_type.lower():
        case "application/json":
            return await _from_json(request, services, owner)
        case "multipart/form-data":
            return await _from_form(request, services, owner)
    raise UnsupportedMedia(
        "expected application/json or multipart/form-data, "
        f"received {media_type or 'no content type'!r}"
    )


async def read_json(request: Request, max_bytes: int) -> Any:
    """Read a JSON body.

    Raises:
        BodyTooLarge: It is over the limit of JSON bodies.
        NotUnderstood: It is not JSON; says at which line and column.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge(max_bytes)
    return parse_json(bytes(body))


def parse_json(text: bytes | str) -> Any:
    """Parse JSON. NaN passes, and is refused later with its place in the document.

    Raises:
        NotUnderstood: It is not JSON; says at which line and column.
    """
    try:
        return from_json(text)
    except ValueError as error:
        raise NotUnderstood(f"expected JSON, received: {error}") from error


async def _from_json(request: Request, services: Services, owner: str) -> Submission:
    document = await read_json(request, services.settings.max_json_bytes)
    asked = validated(JobRequest, document)
    config = asked.estimate_config()
    webhook = accepted_webhook(services.webhooks, asked.webhook)
    sides = [await _side(services, owner, name, getattr(asked, name)) for name in SIDES]
    return _submission(sides, _options(asked), config, webhook)


async def _from_form(request: Request, services: Services, owner: str) -> Submission:
    async with request.form(
        max_files=len(_FILES), max_fields=len(_JSON_FIELDS)
    ) as form:
        options = validated(JobOptions, _json_fields(form))
        config = options.estimate_config()
        webhook = accepted_webhook(services.webhooks, options.webhook)
        sides = [await _form_side(services, owner, form, name) for name in SIDES]
    return _submission(sides, options, config, webhook)


async def _form_side(
    services: Services, owner: str, form: FormData, side: str
) -> SampleRef:
    samples = await _kept_file(services, owner, form, side)
    field = f"{side}_weights"
    if field not in form:
        return SampleRef(samples.id, samples.n, samples.dim)
    weights = await _kept_file(services, owner, form, field)
    intake = services.intake
    await intake.in_thread(intake.check_weights, field, weights, samples.n)
    return SampleRef(samples.id, samples.n, samples.dim, weights.id)


async def _kept_file(
    services: Services, owner: str, form: FormData, field: str
) -> DatasetInfo:
    upload, file_format = _file_of(form, field)
    intake = services.intake
    with intake.folder() as folder:
        path = Path(folder) / f"{field}.{file_format}"
        await intake.in_thread(save_file, upload.file, path)
        info = await intake.in_thread(intake.keep_file, field, path, file_format)
    services.access.grant(owner, info.id)
    return info


def _json_fields(form: FormData) -> dict[str, Any]:
    """Parse the fields beside the files; each holds one JSON value."""
    values = {}
    for name, value in form.multi_items():
        if name in _FILES:
            continue
        if name not in _JSON_FIELDS or not isinstance(value, str):
            raise InvalidRequest.at(f"#/{name[:64]}", f"unknown field {name[:64]!r}")
        values[name] = parse_json(value)
    return values


def _file_of(form: FormData, field: str) -> tuple[UploadFile, FileFormat]:
    upload = form.get(field)
    if not isinstance(upload, UploadFile):
        raise InvalidRequest.at(f"#/{field}", "expected a file, received none")
    declared = format_of_media_type(upload.content_type or "")
    if declared is not None:
        return upload, declared
    try:
        return upload, format_of_name(upload.filename or "")
    except UnknownFormat as error:
        raise InvalidRequest.at(f"#/{field}", str(error)) from error


def validated(model: type[Model], document: Any) -> Model:
    """Check a parsed body against its model.

    Raises:
        InvalidRequest: It does not fit; points at each part that does not.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = field_errors(error.errors(), source="body")
        detail = "; ".join(item.detail for item in found[:5])
        raise InvalidRequest(detail, *found) from error


@cache
def _version() -> str:
    return version("kantor")


def _options(asked: JobOptions) -> JobOptions:
    """Return the options alone, without the samples."""
    return JobOptions(
        config=asked.config,
        labels=asked.labels,
        priority=asked.priority,
        deadline_s=asked.deadline_s,
        cache=asked.cache,
        webhook=asked.webhook,
    )


async def _side(
    services: Services, owner: str, name: str, given: InlineSide | StoredSide
) -> SampleRef:
    samples = await _stored(services, owner, name, given)
    weights = None
    if given.weights is not None:
        place = f"{name}/weights"
        weights = await _stored_weights(
            services, owner, place, given.weights, samples.n
        )
    return SampleRef(samples.id, samples.n, samples.dim, weights)


async def _stored_weights(
    services: Services,
    owner: str,
    place: str,
    given: list[Any] | DatasetReference,
    count: int,
) -> str:
    intake = services.intake
    if isinstance(given, DatasetReference):
        info = find_dataset(services, owner, given.dataset, f"#/{place}/dataset")
        await intake.in_thread(intake.check_weights, place, info, count)
        return info.id
    info = await intake.in_thread(intake.keep_weights, place, given, count)
    services.access.grant(owner, info.id)
    return info.id


async def _stored(
    services: Services, owner: str, side: str, given: InlineSamples | DatasetReference
) -> DatasetInfo:
    if isinstance(given, DatasetReference):
        return find_dataset(services, owner, given.dataset, f"#/{side}/dataset")
    intake = services.intake
    info = await intake.in_thread(intake.keep_rows, side, given.samples)
    services.access.grant(owner, info.id)
    return info


def find_dataset(
    services: Services, owner: str, dataset_id: str, pointer: str | None = None
) -> DatasetInfo:
    """Return an owner's dataset, and mark it as used.

    Raises:
        DatasetNotFound: It is not stored, or belongs to others.
    """
    try:
        if services.access.may_use(owner, dataset_id):
            return services.intake.describe(dataset_id)
    except UnknownDataset:
        pass
    raise DatasetNotFound(dataset_id, pointer)


def _submission(
    sides: list[SampleRef],
    options: JobOptions,
    config: EstimateConfig,
    webhook: Webhook | None,
) -> Submission:
    source, target = sides
    if source.dim != target.dim:
        raise InvalidSamples(
            "target",
            f"expected dimension {source.dim} as in source, got {target.dim}",
        )
    return Submission(source, target, options, config.to_dict(), webhook)
