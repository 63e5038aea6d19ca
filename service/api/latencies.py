"""How long requests take, by route: counted here, added up in Redis.

A process counts what it answers and adds that to one hash every few seconds, and before
each scrape, so that the numbers are those of all processes, and outlive each of them.
What is measured ends where the answer begins: a stream of events is not slow because it
is long.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, cast

import redis.asyncio
import structlog
from redis.exceptions import RedisError, ResponseError

from kantor.service.queue.keys import Keys

LIMITS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
OTHER = "other"
UNANSWERED = "none"

_BEYOND = "inf"
_SUM = "us"

log = structlog.get_logger("kantor.api")


@dataclass
class Latency:
    """Requests of one kind.

    Attributes:
        counts: How many took at most so many seconds, and more than the limit before.
        total_s: How long all of them took together.
    """

    counts: dict[float, int] = field(default_factory=dict)
    total_s: float = 0.0


Kind = tuple[str, str, str]
"""Method, template of the route, class of the status (`2xx`; `none`: unanswered)."""


class Latencies:
    """The times of requests, of all processes."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._client = client
        self._key = Keys(prefix)("requests")
        self._counted: Counter[str] = Counter()

    def observe(
        self, method: str, route: str, status: int | None, elapsed_s: float
    ) -> None:
        """Count a request; sends nothing."""
        method = method if method in METHODS else OTHER
        result = UNANSWERED if status is None else f"{status // 100}xx"
        kind = f"{method} {route} {result}"
        place = bisect_left(LIMITS_S, elapsed_s)
        limit = f"{LIMITS_S[place]:g}" if place < len(LIMITS_S) else _BEYOND
        self._counted[f"{kind} {limit}"] += 1
        self._counted[f"{kind} {_SUM}"] += round(elapsed_s * 1e6)

    async def flush(self) -> None:
        """Add to Redis what was counted since the last time.

        Raises:
            RedisError: The server is away; what was counted waits for the next time.
        """
        counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            await self._add(counted)
        except ResponseError as error:  # the key is damaged: begin anew
            log.error("request_times_lost", error=str(error))
            await _reply(self._client.delete(self._key))
        except RedisError:
            self._counted.update(counted)
            raise

    async def read(self) -> dict[Kind, Latency]:
        """Return the times of all requests there have been.

        Raises:
            RedisError: The server is away.
        """
        await self.flush()
        found: defaultdict[Kind, Latency] = defaultdict(Latency)
        fields = await _reply(self._client.hgetall(self._key))
        for name, value in fields.items():
            parts = name.split(" ")
            if len(parts) != 4 or not value.lstrip("-").isdecimal():
                continue  # damaged
            latency = found[parts[0], parts[1], parts[2]]
            if parts[3] == _SUM:
                latency.total_s = int(value) / 1e6
            else:
                latency.counts[float(parts[3])] = int(value)
        return dict(found)

    async def _add(self, counted: Counter[str]) -> None:
        async with self._client.pipeline(transaction=True) as pipe:
            for name, count in counted.items():
                pipe.hincrby(self._key, name, count)
            await pipe.execute()


async def _reply(pending: Any) -> Any:
    """Await a reply; redis-py types its commands as both sync and async."""
    return await cast("Any", pending)
