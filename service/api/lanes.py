"""A few lanes for work that blocks, given to owners by turns.

Whoever asks for much waits behind himself: an owner has at most so many lanes at once,
and among those who wait, each owner is next in his turn, however many wait for him.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio.to_thread

Answer = TypeVar("Answer")


class Lanes:
    """Threads for blocking calls.

    Args:
        lanes: Calls that run at once.
        most_of_one: Of these, calls of one owner; may be changed.
    """

    def __init__(self, lanes: int, *, most_of_one: int) -> None:
        self._free = lanes
        self.most_of_one = most_of_one
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._threads = anyio.CapacityLimiter(lanes)

    async def run(
        self, owner: str, call: Callable[..., Answer], *arguments: Any
    ) -> Answer:
        """Run a blocking call of an owner in a lane, once there is one for him."""
        async with self.lane(owner):
            return await anyio.to_thread.run_sync(
                call, *arguments, limiter=self._threads
            )

    @asynccontextmanager
    async def lane(self, owner: str) -> AsyncIterator[None]:
        """Hold a lane for as long as the block runs."""
        await self._enter(owner)
        try:
            yield
        finally:
            self._leave(owner)

    async def _enter(self, owner: str) -> None:
        if self._free and self._busy[owner] < self.most_of_one:
            self._take(owner)  # those who wait have all they may have
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(owner)
            raise

    def _leave(self, owner: str) -> None:
        self._free += 1
        self._busy[owner] -= 1
        if not self._busy[owner]:
            del self._busy[owner]
        while self._free and self._admit_next():
            pass

    def _take(self, owner: str) -> None:
        self._free -= 1
        self._busy[owner] += 1

    def _admit_next(self) -> bool:
        """Give a lane to the next owner who may have one; return whether any may."""
        for owner, turns in [*self._waiting.items()]:
            while turns and turns[0].done():  # given up
                turns.popleft()
            if not turns:
                del self._waiting[owner]
            elif self._busy[owner] < self.most_of_one:
                del self._waiting[owner]
                turn = turns.popleft()
                if turns:
                    self._waiting[owner] = turns  # behind all others
                self._take(owner)
                turn.set_result(None)
                return True
        return False
