"""Records of jobs that cannot be read, and what is said about them.

A flipped bit, or an append-only file that was repaired, can leave a job without its
hash or with one that makes no sense. The scripts set such a job aside, so that it holds
up no other; see `scripts/damage.lua`.
"""

import json
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class JobDamaged(ValueError):
    """Report that the record of a job cannot be read."""

    def __init__(self, job_id: str, reason: str) -> None:
        super().__init__(f"the record of {job_id} cannot be read: {reason}")
        self.job_id = job_id
        self.reason = reason


def taken_back(reply: list[Any]) -> int:
    """Log the damaged jobs in the reply of the script `reap`; return how many it took.

    A note is handed out once, to whoever reaps next.
    """
    taken, *notes = reply
    for note in notes:
        log.error("job_damaged", **json.loads(note))
    return int(taken)
