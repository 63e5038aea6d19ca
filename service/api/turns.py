"""Which requests begin next: a few in each round of the event loop, callers in turns.

A request that has nothing to wait for runs to its end in one go. Where a thousand of
them have come together, a caller who comes after them would wait for them all, and
again whenever the own request waits for something. So a round begins only a few, one
of each address before the second of any.
"""

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

MOST = 8
"""Requests that begin in one round, which then takes some milliseconds."""


class Turns:
    """Lets requests begin, of those that wait one of each address after the other."""

    def __init__(self, most: int = MOST) -> None:
        self._most = self._left = most
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._is_due = False

    async def wait(self, address: str) -> None:
        """Return when a request from an address may begin, usually at once."""
        if self._left and not self._waiting:
            self._left -= 1
            self._come_back()
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        self._come_back()
        await turn

    def taking(self, app: ASGIApp, address: str) -> ASGIApp:
        """Return an application that answers requests from an address in their turn."""

        async def in_turn(scope: Scope, receive: Receive, send: Send) -> None:
            await self.wait(address)
            await app(scope, receive, send)

        return in_turn

    def _come_back(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._begin_round)

    def _begin_round(self) -> None:
        self._is_due, self._left = False, self._most
        while self._left and self._waiting:
            address = next(iter(self._waiting))
            queue = self._waiting.pop(address)
            turn = queue.popleft()
            if queue:
                self._waiting[address] = queue  # after those of all others
            if not turn.done():  # by being cancelled
                turn.set_result(None)
                self._left -= 1
        if self._left < self._most:
            self._come_back()
