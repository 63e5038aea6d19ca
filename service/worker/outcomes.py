"""What carrying out a job comes to: values, which the main loop tells the queue."""

from dataclasses import dataclass

from kantor.service.queue import JobError


@dataclass(frozen=True)
class Succeeded:
    """The estimate is stored; digests of its document and of its critic."""

    result: str
    critic: str | None


@dataclass(frozen=True)
class Failed:
    """The job cannot succeed."""

    error: JobError


@dataclass(frozen=True)
class Cancelled:
    """Training stopped because the job was cancelled."""


@dataclass(frozen=True)
class Interrupted:
    """Training stopped because this worker shall end; another goes on from here."""

    checkpoint: str | None


@dataclass(frozen=True)
class Lost:
    """Training stopped because the job belongs to another worker now."""


Outcome = Succeeded | Failed | Cancelled | Interrupted | Lost
