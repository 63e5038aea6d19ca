"""Which requests begin next: a few in each round of the event loop, callers in turns.

A request that has nothing to wait for runs to its end in one go. Where a thousand of
them have come together, a caller who comes after them would wait for them all, and
again whenever the own request waits for something. So a round begins only a few, one
of each address before the second of any.

Who stands at the door has to come in to be given a turn. The event loop lets in one
connection a round (libuv 1.45 and later), the next when that round is over; a caller
behind two hundred connections would wait for two hundred rounds of their requests. So
nothing begins in rounds after which others may stand at the door, up to a number.
"""

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

MOST = 8
"""Requests that begin in one round, which then takes some milliseconds."""

MOST_LET_IN = 100
"""Connections that are let in, in as many rounds, before requests begin again."""


class Turns:
    """Lets requests begin, of those that wait one of each address after the other."""

    def __init__(self, most: int = MOST, most_let_in: int = MOST_LET_IN) -> None:
        self._most = self._left = most
        self._most_let_in = most_let_in
        self._let_in = 0
        self._has_newcomer = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._is_due = False

    def let_in(self) -> None:
        """Note that a connection has come in: others may stand behind it."""
        self._has_newcomer = True
        self._come_back()

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
        self._is_due, self._left = False, 0 if self._lets_in() else self._most
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

    def _lets_in(self) -> bool:
        """Tell whether this round is for those at the door."""
        lets_in = self._has_newcomer and self._let_in < self._most_let_in
        self._let_in = self._let_in + 1 if lets_in else 0
        self._has_newcomer = False
        return lets_in
