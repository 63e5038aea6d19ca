"""Make one attempt to deliver a notification."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

import httpx

from kantor.service.api.webhooks.destinations import (
    Address,
    AddressRule,
    Destination,
    Refused,
    Resolver,
    SystemResolver,
    is_public,
    is_public_or_private,
)
from kantor.service.settings import Settings

ATTEMPT_S = 20.0
"""Longest that an attempt takes in all: lookup, connection, request and answer."""

CONNECT_S = 5.0
_ADDRESSES_TRIED = 3
_LONGEST_ERROR = 200


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: an HTTP status, or an error instead of one.

    Attributes:
        is_final: Whether another attempt is pointless.
        retry_after_s: When the receiver asks for the next attempt, in seconds.
    """

    status: int | None = None
    error: str | None = None
    is_final: bool = False
    retry_after_s: float = 0.0

    @property
    def is_success(self) -> bool:
        """Tell whether the receiver has taken the notification."""
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Posts to destinations, by rules that no URL or answer gets around.

    No redirect is followed, no proxy of the environment used, no body of an answer
    read; the certificate has to be that of the URL's host. Connections go to the very
    addresses that were checked.

    Args:
        ports: Ports that URLs may have.
        is_allowed: Which addresses may be connected to.
        tls: Which certificates are trusted.
        resolve: Returns the addresses of a host.
        attempt_s: Longest that an attempt takes.
        connect_s: Longest that connecting to one address takes, encryption included.
    """

    def __init__(
        self,
        *,
        ports: Collection[int],
        is_allowed: AddressRule,
        tls: ssl.SSLContext,
        resolve: Resolver,
        attempt_s: float = ATTEMPT_S,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._ports = ports
        self._is_allowed = is_allowed
        self._tls = tls
        self._resolve = resolve
        self._attempt_s = attempt_s
        self._connect_s = connect_s

    @classmethod
    def from_settings(cls, settings: Settings, *, connect_s: float = CONNECT_S) -> Self:
        """Build as the operator has set it.

        Raises:
            ValueError: The file of CA certificates cannot be used.
        """
        private = settings.webhook_allow_private
        return cls(
            ports=settings.webhook_ports,
            is_allowed=is_public_or_private if private else is_public,
            tls=_trust(settings),
            resolve=SystemResolver(),
            connect_s=connect_s,
        )

    def check(self, url: str) -> Destination:
        """Check a URL as far as that goes without looking up its host.

        Raises:
            Refused: Nothing will ever be sent there.
        """
        destination = Destination.parse(url, self._ports)
        if destination.address is not None:
            self._check([destination.address])
        return destination

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post once; whatever happens becomes an answer."""
        try:
            async with asyncio.timeout(self._attempt_s):
                destination = self.check(url)
                addresses = await self._addresses(destination)
                return await self._post(destination, addresses, headers, body)
        except Refused as error:
            return Answer(error=str(error), is_final=True)
        except httpx.ConnectTimeout:
            return Answer(error=f"no connection within {self._connect_s:g} s")
        except (TimeoutError, httpx.TimeoutException):
            return Answer(error=f"no answer within {self._attempt_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            return Answer(error=reason[:_LONGEST_ERROR])

    async def _addresses(self, destination: Destination) -> list[Address]:
        try:
            addresses = await self._resolve(destination.host, destination.port)
        except OSError as error:
            raise httpx.ConnectError("the host name does not resolve") from error
        self._check(addresses)
        return addresses

    def _check(self, addresses: list[Address]) -> None:
        if not all(map(self._is_allowed, addresses)):
            raise Refused("expected a host with public addresses only")

    async def _post(
        self,
        destination: Destination,
        addresses: list[Address],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Post to the first of some addresses that can be connected to."""
        *others, last = addresses[:_ADDRESSES_TRIED]
        for address in others:
            try:
                return await self._post_to(address, destination, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._post_to(last, destination, headers, body)

    async def _post_to(
        self,
        address: Address,
        destination: Destination,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        own = {
            "Host": destination.url.netloc.decode("ascii"),
            "Connection": "close",
            "Content-Type": "application/json",
            "User-Agent": f"kantor/{version('kantor')}",
        }
        timeout = httpx.Timeout(self._attempt_s, connect=self._connect_s)
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, timeout=timeout
        ) as client:
            request = client.build_request(
                "POST",
                destination.at(address),
                headers=own | dict(headers),
                content=body,
                extensions={"sni_hostname": destination.host},
            )
            response = await client.send(request, stream=True, follow_redirects=False)
            await response.aclose()  # unread: closes the connection
        return _answer(response)


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    error = None if response.is_success else f"the receiver answered {status}"
    asked = response.headers.get("retry-after", "")
    return Answer(
        status=status,
        error=error,
        is_final=status == httpx.codes.GONE,
        retry_after_s=float(asked) if asked.isdecimal() and len(asked) < 9 else 0.0,
    )


def _trust(settings: Settings) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    path = settings.webhook_ca_file
    if path is not None:
        try:
            context.load_verify_locations(path)
        except OSError as error:  # ssl.SSLError is one
            raise ValueError(
                "expected KANTOR_WEBHOOK_CA_FILE to hold certificates in PEM, "
                f"received {path}: {error}"
            ) from error
    return context
