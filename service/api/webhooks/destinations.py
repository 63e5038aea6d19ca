"""Where a notification may go: URLs and addresses that callers cannot abuse.

A caller names the URL, and this service connects to it from inside the operator's
network. So a URL is refused unless it is https to a port that is allowed, and the
addresses its host resolves to are checked at each attempt, one and all, and connected
to as they were checked: a name that changes between check and connection gains nothing.
"""

import re
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

import anyio.to_thread
import httpx

HTTPS_PORT = 443

Address = IPv4Address | IPv6Address
AddressRule = Callable[[Address], bool]
"""Tells whether connecting to an address is allowed."""

Resolver = Callable[[str, int], Awaitable[list[Address]]]
"""Returns every address of a host name, or of an address as such."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4_RELAYS = IPv4Network("192.88.99.0/24")
_PRIVATE = tuple(
    IPv4Network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
)
_PRIVATE_6 = (IPv6Network("fc00::/7"), IPv6Network("::1/128"))
_CLOUD_METADATA = IPv6Address("fd00:ec2::254")
_LOOKUPS = 32
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Refused(ValueError):
    """Refuse to send to a destination; says what was expected."""


@dataclass(frozen=True)
class Destination:
    """A URL that notifications may be sent to, as far as the URL itself tells."""

    url: httpx.URL
    host: str
    port: int

    @classmethod
    def parse(cls, text: str, ports: Collection[int]) -> "Destination":
        """Read a URL.

        Raises:
            Refused: It is not https, its port is not among `ports`, it carries a user,
                a password or a fragment, or its host is no plain name or address.
        """
        try:
            url = httpx.URL(text)
            has_host = bool(url.host)  # decodes, and so checks, international names
        except (httpx.InvalidURL, ValueError) as error:
            raise Refused("expected a URL, as https://example.org/hook") from error
        host = url.raw_host.decode("ascii")
        port = HTTPS_PORT if url.port is None else url.port
        if url.scheme != "https" or not has_host:
            raise Refused("expected a URL that begins with https://")
        if url.userinfo:
            raise Refused("expected a URL without user and password")
        if url.fragment:
            raise Refused("expected a URL without a fragment (#...)")
        if port not in ports:
            allowed = ", ".join(map(str, ports))
            raise Refused(f"expected one of the ports {allowed}, received {port}")
        _check_host(host)
        return cls(url, host, port)

    @property
    def address(self) -> Address | None:
        """The address that the host is written as; None for a name."""
        return _as_address(self.host)

    def at(self, address: Address) -> httpx.URL:
        """Return the URL with the host replaced by one of its addresses."""
        return self.url.copy_with(host=str(address))


def _as_address(host: str) -> Address | None:
    """Return the address that a host is written as; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


class SystemResolver:
    """Asks the system's resolver, in threads of its own number."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(_LOOKUPS)

    async def __call__(self, host: str, port: int) -> list[Address]:
        """Return every address of a host.

        Raises:
            OSError: There are none, or no name server answers.
        """
        found = await anyio.to_thread.run_sync(
            partial(socket.getaddrinfo, type=socket.SOCK_STREAM),
            host.encode("ascii"),
            port,
            abandon_on_cancel=True,
            limiter=self._threads,
        )
        return list(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet.

    IPv4 addresses inside of IPv6 ones (mapped, NAT64, 6to4) decide as themselves.
    """
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and address not in _6TO4_RELAYS
        )
    inner = _translated(address) or address.sixtofour
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_UNICAST and address.is_global


def is_public_or_private(address: Address) -> bool:
    """Allow private and loopback addresses too; never link-local or metadata ones."""
    if isinstance(address, IPv4Address):
        return is_public(address) or any(address in block for block in _PRIVATE)
    inner = _translated(address)
    if inner is not None:
        return is_public_or_private(inner)
    is_private = any(address in block for block in _PRIVATE_6)
    return is_public(address) or (is_private and address != _CLOUD_METADATA)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that connecting to an IPv6 one would lead to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def _check_host(host: str) -> None:
    """Refuse hosts that two readers could take for different things.

    A host that ends in a number is an address to some resolvers (`0x7f.1`,
    `2130706433`); here it has to be one in its usual form.
    """
    if _as_address(host) is not None and "%" not in host:
        return
    is_number = _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
    if is_number or len(host) > 253 or not _NAME.fullmatch(host):
        raise Refused("expected a host name or an address as 203.0.113.7")
