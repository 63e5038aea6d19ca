"""What is written down of a request and its job, for traces; nothing is sent here.

A request's `traceparent` (W3C Trace Context) is kept with its job; a worker takes down
when it did what. `otel` makes spans of both, where there are traces.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True)
class Step:
    """One thing that was done; times are nanoseconds since the epoch."""

    name: str
    began_ns: int
    ended_ns: int


@dataclass
class Trail:
    """What a worker has done with one job, in order."""

    steps: list[Step] = field(default_factory=list)
    _reported_ns: int | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done in the block, however it ends."""
        began_ns = time.time_ns()
        try:
            yield
        finally:
            self.steps.append(Step(name, began_ns, time.time_ns()))

    @contextmanager
    def training(self) -> Iterator[None]:
        """Time an estimation: `train` up to its last report, `bound` from there on.

        One that is broken off, or reports nothing, is all `train`.
        """
        began_ns, finished = time.time_ns(), False
        self._reported_ns = None
        try:
            yield
            finished = True
        finally:
            ended_ns = time.time_ns()
            trained_ns = (self._reported_ns or ended_ns) if finished else ended_ns
            self.steps.append(Step("train", began_ns, trained_ns))
            if trained_ns < ended_ns:
                self.steps.append(Step("bound", trained_ns, ended_ns))

    def note_report(self) -> None:
        """Note that the training has reported just now."""
        self._reported_ns = time.time_ns()


def valid_traceparent(text: str | None) -> str:
    """Return a `traceparent` header as it is; empty where it is none.

    >>> valid_traceparent("00-" + "a" * 32 + "-" + "b" * 16 + "-01")[:5]
    '00-aa'
    >>> valid_traceparent("00-" + "0" * 32 + "-" + "b" * 16 + "-01")
    ''
    """
    found = _TRACEPARENT.fullmatch(text or "")
    is_named = found and found[1].strip("0") and found[2].strip("0")
    return found[0] if found and is_named else ""
