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

from estimator.config import EstimateConfig
from estimator.errors import InvalidSamples
from service.api.intake import save_file
from service.api.services import Services
from service.api.webhooks.setup import accepted_webhook
from service.decoding import FileFormat, Undecodable
from service.errors import (
    BodyTooLarge,
    DatasetNotFound,
    InvalidRequest,
    NotUnderstood,
    UnsupportedMedia,
)
from service.problems import field_errors
from service.queue import SampleRef, Webhook
from service.schemas import DatasetReference, InlineSamples, JobOptions, JobRequest
from service.store import DatasetInfo, UnknownDataset

Model = TypeVar("Model", bound=BaseModel)

SIDES = ("source", "target")
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
        """Return what decides the answer: samples, settings, seed and version."""
        samples = [self.source.dataset, self.target.dataset]
        parts = [samples, self.config, _version()]
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
    infos = []
    for side in SIDES:
        given = getattr(asked, side)
        infos.append(await _stored(services, owner, side, given))
    return _submission(infos, _options(asked), config, webhook)


async def _from_form(request: Request, services: Services, owner: str) -> Submission:
    async with request.form(max_files=2, max_fields=len(_JSON_FIELDS)) as form:
        options = validated(JobOptions, _json_fields(form))
        config = options.estimate_config()
        webhook = accepted_webhook(services.webhooks, options.webhook)
        infos = []
        with services.intake.folder() as folder:
            for side in SIDES:
                upload, file_format = _file_of(form, side)
                path = Path(folder) / f"{side}.{file_format}"
                await services.intake.in_thread(save_file, upload.file, path)
                info = await services.intake.in_thread(
                    services.intake.keep_file, side, path, file_format
                )
                services.access.grant(owner, info.id)
                infos.append(info)
    return _submission(infos, options, config, webhook)


def _json_fields(form: FormData) -> dict[str, Any]:
    """Parse the fields beside the files; each holds one JSON value."""
    values = {}
    for name, value in form.multi_items():
        if name in SIDES:
            continue
        if name not in _JSON_FIELDS or not isinstance(value, str):
            raise InvalidRequest.at(f"#/{name[:64]}", f"unknown field {name[:64]!r}")
        values[name] = parse_json(value)
    return values


def _file_of(form: FormData, side: str) -> tuple[UploadFile, FileFormat]:
    upload = form.get(side)
    if not isinstance(upload, UploadFile):
        raise InvalidRequest.at(f"#/{side}", "expected a file, received none")
    declared = FileFormat.of_media_type(upload.content_type or "")
    if declared is not None:
        return upload, declared
    try:
        return upload, FileFormat.of_path(Path(upload.filename or ""))
    except Undecodable as error:
        raise InvalidRequest.at(f"#/{side}", str(error)) from error


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
    infos: list[DatasetInfo],
    options: JobOptions,
    config: EstimateConfig,
    webhook: Webhook | None,
) -> Submission:
    source, target = (SampleRef(info.id, info.n, info.dim) for info in infos)
    if source.dim != target.dim:
        raise InvalidSamples(
            "target",
            f"expected dimension {source.dim} as in source, got {target.dim}",
        )
    return Submission(source, target, options, config.to_dict(), webhook)
