"""Who may hold a connection: a bounded number, and fewer of one address.

Room is made by closing connections that wait for nothing: of the address that has too
many, or of the one that has most where all together are too many, the one that has been
silent longest. So silent ones never keep anybody out. Where all are busy (event
streams, long polls), newcomers are answered 503, and probes are answered still.
"""

import asyncio
import ipaddress
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol

TICK_S = 1.0
RESERVE = 64
"""Connections over the limit that are accepted, to be told so, and for probes."""

_PREFIX_BITS = 64
"""Of an IPv6 address, the part that one customer is given."""


class Guarded(Protocol):
    """What the door needs of a connection."""

    address: str

    def leave(self) -> None:
        """Close, having asked for nothing."""

    def check(self, now: float) -> None:
        """End whatever takes too long."""


@dataclass
class _Group:
    """Connections of one address; those that wait, in the order of their silence."""

    members: set[Guarded] = field(default_factory=set)
    waiting: dict[Guarded, None] = field(default_factory=dict)


class Door:
    """Counts connections by address and decides about new ones."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._groups: defaultdict[str, _Group] = defaultdict(_Group)
        self._total = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return self._total

    def enter(self, connection: Guarded) -> bool:
        """Count a new connection; return whether there is room even to refuse it."""
        group = self._groups[connection.address]
        group.members.add(connection)
        group.waiting[connection] = None
        self._total += 1
        if len(group.members) > self._most_of_one:
            self._make_room(group, connection)
        if self._total > self._most:
            fullest = max(self._groups.values(), key=lambda g: len(g.waiting))
            self._make_room(fullest, connection)
        return self._excess(group) <= RESERVE

    def is_crowded(self, connection: Guarded) -> bool:
        """Tell whether there are too many, of this address or of all."""
        group = self._groups.get(connection.address)
        return group is not None and self._excess(group) > 0

    def wait(self, connection: Guarded) -> None:
        """Note that a connection waits for its next request."""
        group = self._groups.get(connection.address)
        if group is not None and connection in group.members:
            group.waiting[connection] = None

    def work(self, connection: Guarded) -> None:
        """Note that a connection has a request."""
        group = self._groups.get(connection.address)
        if group is not None:
            group.waiting.pop(connection, None)

    def exit(self, connection: Guarded) -> None:
        """Count a connection no longer; harmless when repeated."""
        group = self._groups.get(connection.address)
        if group is None or connection not in group.members:
            return
        group.members.remove(connection)
        group.waiting.pop(connection, None)
        self._total -= 1
        if not group.members:
            del self._groups[connection.address]

    def watch(self) -> None:
        """Check every connection each second from now on."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for group in [*self._groups.values()]:
            for connection in [*group.members]:
                connection.check(now)
        self._timer = loop.call_later(TICK_S, self.watch)

    def close(self) -> None:
        """Check no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def _excess(self, group: _Group) -> int:
        return max(self._total - self._most, len(group.members) - self._most_of_one)

    def _make_room(self, group: _Group, newcomer: Guarded) -> None:
        """Close the connection of a group that has been silent longest."""
        for connection in group.waiting:
            if connection is not newcomer:
                self.exit(connection)
                connection.leave()
                return


def address_of(client: tuple[str, int] | None) -> str:
    """Return what a caller is counted by: its address, or its IPv6 network."""
    if client is None:
        return ""
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return client[0]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _PREFIX_BITS), strict=False))
    return str(address)
