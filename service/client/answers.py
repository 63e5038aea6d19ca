"""What the service answers, typed: jobs, datasets, references, uploads, events.

Each is the document that came, with its fields as attributes; `answer["id"]` and
`answer.document` give the same as plain JSON. A newer service may say more: that is in
`document`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kantor.service.client.errors import Conflict, JobFailed

if TYPE_CHECKING:
    from kantor.estimator.result import Estimate

Document = dict[str, Any]

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "cancelled"})


class Answer:
    """A document of the service; its declared fields are attributes.

    Attributes:
        document: The JSON as it came.
    """

    document: Document

    def __init__(self, document: Document) -> None:
        self.document = document

    if not TYPE_CHECKING:  # type checkers see the declared fields alone

        def __getattr__(self, name: str) -> Any:
            document = self.__dict__.get("document", {})
            if name in document and not name.startswith("_"):
                return document[name]
            raise AttributeError(f"{type(self).__name__!r} has no {name!r}")

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    def __contains__(self, name: object) -> bool:
        return name in self.document

    def __iter__(self) -> Iterator[str]:
        return iter(self.document)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Answer):
            return NotImplemented
        return self.document == other.document

    def __hash__(self) -> int:
        return hash(json.dumps(self.document, sort_keys=True, default=str))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.document})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.document.get('id', '')}>"


class Dataset(Answer):
    """A stored dataset; equal data have equal ids."""

    id: str
    n: int
    dim: int
    dtype: str
    nbytes: int
    created_at: str
    columns: list[Document] | None


class Upload(Answer):
    """An open upload and the batches that have arrived."""

    id: str
    expires_at: str
    n: int
    batches: list[Document]


class Event(Answer):
    """Something that happened to a job: `type`, and what it says as `data`."""

    id: str
    type: str
    data: Document

    def __repr__(self) -> str:
        return f"<Event {self.type} {self.data}>"


class Reference(Answer):
    """A name for a dataset, and what it has stood for, the newest first."""

    name: str
    dataset: str
    created_at: str
    versions: list[Document]


@dataclass(frozen=True)
class Side:
    """One side of a job: its dataset, and how many rows and features that has."""

    dataset: str
    n: int
    dim: int
    weights: str | None = None


class JobState(Answer):
    """A job as it stood when it was last looked at."""

    id: str
    status: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    queue_position: int | None
    attempt: int
    cancel_requested: bool
    progress: Document | None
    config: Document
    labels: dict[str, str]
    priority: int
    deadline_s: float | None
    error: Document | None
    cached: bool
    webhook: Document | None
    links: dict[str, str]

    @property
    def ended(self) -> bool:
        """Whether nothing about it changes any more."""
        return self.status in TERMINAL_STATUSES

    @property
    def source(self) -> Side:
        """The source's samples."""
        return _side(self.document["source"])

    @property
    def target(self) -> Side:
        """The target's samples."""
        return _side(self.document["target"])

    @property
    def result(self) -> "Estimate":
        """The estimate, as `estimate_w1` returns it; without the critic's bytes.

        Raises:
            JobFailed: The job failed, or was cancelled.
            Conflict: It has not ended yet: `wait()` first.
        """
        from kantor.estimator.result import Estimate

        if self.document.get("result"):
            return Estimate.from_dict(self.document["result"])
        if not self.ended:
            detail = f"{self.id} is {self.status}: wait() for its end"
            raise Conflict({"code": "job_not_finished", "detail": detail})
        reason = self.error or {"code": self.status, "detail": f"job {self.status}"}
        raise JobFailed(dict(reason))

    def __repr__(self) -> str:
        found = self.document.get("result")
        status = f" {self.document['status']}" if "status" in self else ""
        told = f", lower bound {found['lower_bound']:.5g}" if found else ""
        return f"<{type(self).__name__} {self.document.get('id', '')}{status}{told}>"


def _side(document: Document) -> Side:
    names = ("dataset", "n", "dim", "weights")
    return Side(**{name: document.get(name) for name in names})  # type: ignore[arg-type]
