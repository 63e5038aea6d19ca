"""Whether a request may come from a browser that shows another site's page.

Without API keys, reaching the service is all the permission there is, and every page
that is open in a browser which reaches it would have it: directly (`Origin` is another
site), or by a name of its own that it makes mean this machine (DNS rebinding; then
`Host` is that name). An address cannot be made to mean another one, so where the
service is open to a network, addresses are believed, and names only if they are set.
"""

import ipaddress
from urllib.parse import urlsplit

from kantor.service.api.errors import CrossSite
from kantor.service.settings import Settings


class Sites:
    """Compares `Host` and `Origin` with what they may be."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = {name.lower() for name in settings.allowed_hosts}
        self._origins = {origin.lower() for origin in settings.allowed_origins}
        self._takes_addresses = settings.allow_open
        self._is_asked = not settings.api_keys or bool(self._hosts)

    def check(self, host: str, origin: str | None) -> None:
        """Check a request's headers.

        Args:
            host: The `Host` header.
            origin: The `Origin` header, which browsers send.

        Raises:
            CrossSite: The host is none of this service's, or the origin another site.
        """
        if not self._is_asked:
            return
        try:
            name = urlsplit(f"//{host}").hostname or ""
            site = host if origin is None else urlsplit(origin).netloc
        except ValueError as error:  # a bracket that is not closed
            raise CrossSite from error
        if not self._is_ours(name.lower()):
            raise CrossSite
        if site != host and (origin or "").lower() not in self._origins:
            raise CrossSite

    def _is_ours(self, name: str) -> bool:
        if name in self._hosts or is_loopback(name):
            return True
        return self._takes_addresses and _is_address(name)


def is_loopback(host: str) -> bool:
    """Tell whether a name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
