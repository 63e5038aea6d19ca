"""Answers of many jobs at once, without what takes room: for lists and comparisons."""

import json
from functools import lru_cache
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import BaseModel

from kantor.service.api.dependencies import OwnerDep, ServicesDep
from kantor.service.api.schemas import JobId
from kantor.service.queue import JobRecord
from kantor.service.store import BlobStore, UnknownBlob

MOST = 200
_REMEMBERED = 4096

router = APIRouter(prefix="/v1/answers", tags=["jobs"])


class Answer(BaseModel):
    """The numbers of one result; the result itself has their meaning."""

    estimate: float
    standard_error: float
    lower_bound: float
    confidence: float
    p_value: float
    sample_lower_bound: float | None
    sample_upper_bound: float | None


class AnswerList(BaseModel):
    """Answers by job; a job that has none, or is not yours, is left out."""

    answers: dict[str, Answer]


@router.get("", summary="Answers of many jobs")
async def answers(
    services: ServicesDep,
    owner: OwnerDep,
    job: Annotated[list[JobId], Query(min_length=1, max_length=MOST)],
) -> AnswerList:
    """Return the numbers of these jobs' results: estimate, bounds, p-value."""
    records = [await services.board.get(job_id) for job_id in dict.fromkeys(job)]
    mine = [record for record in records if record and record.owner == owner]
    found = await to_thread.run_sync(_answers_of, mine, services.blobs)
    return AnswerList(answers=found)


def _answers_of(records: list[JobRecord], blobs: BlobStore) -> dict[str, Answer]:
    found = {record.id: _answer_of(record, blobs) for record in records}
    return {job_id: answer for job_id, answer in found.items() if answer}


def _answer_of(record: JobRecord, blobs: BlobStore) -> Answer | None:
    if record.result is None:
        return None
    try:
        return _read(blobs, record.result)
    except UnknownBlob:
        return None


@lru_cache(_REMEMBERED)
def _read(blobs: BlobStore, digest: str) -> Answer:
    """Read the numbers of a result, which never changes."""
    document: dict[str, Any] = json.loads(blobs.get(digest))
    return Answer.model_validate(document)
