"""What a client does, apart from doing it: steps that either client can take.

A flow is a generator: it yields steps (send this, pause so long) and is given back the
responses; what it returns is the answer. `KantorClient` takes the steps by blocking,
`AsyncKantorClient` by awaiting. Everything else, retries too, is written once.
"""

import random
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from kantor.service.client.errors import KantorError, error_of, silence

T = TypeVar("T")

Blocks = Callable[[], Iterable[bytes]]
"""Makes the body of a request anew for every attempt."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to send.

    Attributes:
        method: Of HTTP.
        path: Below the service's address.
        params: Of the query.
        json: Body, if it is JSON.
        content: Body, if it is not.
        headers: More than the client's own.
        repeatable: Whether sending it twice does no more than sending it once.
        patient: Whether failures are worth a second attempt at all.
        more_time_s: How much longer than usual the answer may take.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    content: Blocks | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    patient: bool = True
    more_time_s: float = 0.0


@dataclass(frozen=True)
class Pause:
    """Nothing to do for a while."""

    seconds: float


Step = Call | Pause
Reply = httpx.Response | httpx.HTTPError | None
"""What a step comes to: an answer, why none came, or nothing after a pause."""

Flow = Generator[Step, Any, T]


@dataclass
class Retries:
    """When a request is sent again, and after how long.

    Attributes:
        attempts: How often in all; 1 is once.
        first_pause_s: Before the second attempt; each later pause is twice as long, and
            up to half of it is left off at random, so that callers do not come at once.
        longest_pause_s: No pause is longer, and where the service asks for a longer one
            the error goes to the caller, with `retry_after_s`.
    """

    attempts: int = 5
    first_pause_s: float = 0.25
    longest_pause_s: float = 60.0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float | None:
        """Return how long to wait after an attempt (from 1); None: give up."""
        if attempt >= self.attempts:
            return None
        pause = min(self.first_pause_s * 2.0 ** (attempt - 1), self.longest_pause_s)
        pause *= self.chance.uniform(0.5, 1.0)
        if asked_s is None:
            return pause
        return max(pause, asked_s) if asked_s <= self.longest_pause_s else None


def with_retries(
    flow: Flow[T], retries: Retries, base_url: str
) -> Generator[Step, Reply, T]:
    """Take a flow's calls until they are answered; it sees answers and errors only.

    Raises:
        KantorError: The service refused, or did not answer as often as it was asked.
    """
    try:
        step = next(flow)
        while True:
            try:
                answer = yield from _taken(step, retries, base_url)
            except KantorError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def _taken(
    step: Step, retries: Retries, base_url: str
) -> Generator[Step, Reply, httpx.Response | None]:
    if isinstance(step, Pause):
        yield step
        return None
    attempt = 1
    while True:
        reply = yield step
        assert reply is not None
        if isinstance(reply, httpx.HTTPError):
            error: KantorError | None = silence(base_url, reply)
        else:
            error = error_of(reply)
        if error is None:
            assert isinstance(reply, httpx.Response)
            return reply
        pause = None
        if step.patient and _may_repeat(step, reply):
            pause = retries.pause_s(attempt, error.retry_after_s)
        if pause is None:
            raise error
        yield Pause(pause)
        attempt += 1


_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_TAKEN = (429, 503)
_NOT_PASSED_ON = (502, 504)


def _may_repeat(call: Call, reply: httpx.Response | httpx.HTTPError) -> bool:
    """Tell whether a failed call may be sent again without doing anything twice."""
    if isinstance(reply, httpx.Response):
        if reply.status_code in _NOT_TAKEN:
            return True
        return call.repeatable and reply.status_code in _NOT_PASSED_ON
    if isinstance(reply, _NEVER_SENT):
        return True
    return call.repeatable and isinstance(reply, httpx.TransportError)
