"""Who may ask: API keys, kept as digests only, and what belongs to whom."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kantor.service.api.errors import ScopeMissing, Unauthorized
from kantor.service.api.sites import Sites, is_loopback
from kantor.service.api_keys import ApiKey, Scope, digest_of
from kantor.service.settings import Settings
from kantor.service.store.files import owner_folder

NOBODY = ""
"""Owner of everything where no API keys are set."""


class OpenToAll(RuntimeError):
    """Refuse to serve the network without API keys."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        owner: Whose key it is.
        key: Name of the key; empty where nobody is asked for one.
        scopes: What it may do.
    """

    owner: str
    key: str
    scopes: tuple[Scope, ...]

    def check(self, needed: Scope) -> None:
        """Check that the key may do something.

        Raises:
            ScopeMissing: It may not.
        """
        if needed not in self.scopes:
            raise ScopeMissing(needed, self.scopes)


ANYBODY = Caller(NOBODY, "", tuple(Scope))
"""Who asks where no API keys are set: may do everything."""


class Access:
    """Checks keys, and remembers which datasets each owner has brought."""

    def __init__(self, settings: Settings) -> None:
        self._grants = settings.data_dir / "owners"
        self.adopt(settings)

    def adopt(self, settings: Settings) -> None:
        """Go by the keys of these settings from now on."""
        self._keys: list[tuple[str, ApiKey]] = [
            (owner, key) for owner, keys in settings.api_keys.items() for key in keys
        ]
        self._sites = Sites(settings)

    @property
    def asks(self) -> bool:
        """Tell whether callers are asked for a key."""
        return bool(self._keys)

    def caller_of(self, authorization: str | None) -> Caller:
        """Return who a header's key belongs to.

        Every digest is compared, each in constant time, so that the time taken says
        nothing about which key, or how much of it, was right.

        Raises:
            Unauthorized: Keys are set, and the header has none of them.
        """
        if not self._keys:
            return ANYBODY
        scheme, _, given = (authorization or "").partition(" ")
        digest = digest_of(given.strip())
        matches = [
            Caller(owner, key.name, key.scopes)
            for owner, key in self._keys
            if hmac.compare_digest(key.digest.get_secret_value(), digest)
        ]
        if not matches or scheme.lower() != "bearer":
            raise Unauthorized
        return matches[0]

    def check_site(self, host: str, origin: str | None) -> None:
        """Check that no other site is behind a request.

        Raises:
            CrossSite: As `Sites.check`.
        """
        self._sites.check(host, origin)

    def grant(self, owner: str, dataset_id: str, nbytes: int) -> bool:
        """Let an owner use a dataset, having shown to hold its content.

        Args:
            owner: Whose it is from now on.
            dataset_id: Of the dataset.
            nbytes: Its size, which counts as the owner's.

        Returns:
            Whether it was not the owner's before.
        """
        if owner == NOBODY:
            return False
        marker = self._marker(owner, dataset_id)
        marker.parent.mkdir(parents=True, exist_ok=True)
        try:
            with marker.open("x", encoding="ascii") as file:  # the first time counts
                file.write(str(nbytes))
        except FileExistsError:
            return False
        return True

    def held(self, owner: str) -> int:
        """Return the bytes of an owner's datasets, however many others have them."""
        folder = self._marker(owner, "x").parent
        return sum(map(_size_noted, folder.glob("*")))

    def forget_gone(self, is_there: Callable[[str], bool]) -> int:
        """Forget rights to datasets that are stored no more; return how many."""
        forgotten = 0
        for marker in self._grants.glob("*/*"):
            if is_there(marker.name):
                continue
            noted = _size_noted(marker)
            marker.unlink(missing_ok=True)
            forgotten += 1
            if is_there(marker.name):  # stored again in this very moment
                marker.write_text(str(noted), encoding="ascii")
        return forgotten

    def granted_at(self, owner: str, dataset_id: str) -> float | None:
        """Return since when an owner may use a dataset; None where nobody is asked.

        That others have brought it before is none of the owner's business.
        """
        if owner == NOBODY:
            return None
        return self._marker(owner, dataset_id).stat().st_mtime

    def may_use(self, owner: str, dataset_id: str) -> bool:
        """Tell whether a dataset is there for this owner."""
        return owner == NOBODY or self._marker(owner, dataset_id).exists()

    def revoke(self, owner: str, dataset_id: str) -> bool:
        """Take a dataset from an owner; return whether nobody else has it."""
        if owner != NOBODY:
            self._marker(owner, dataset_id).unlink(missing_ok=True)
        return not any(self._grants.glob(f"*/{dataset_id}"))

    def _marker(self, owner: str, dataset_id: str) -> Path:
        return owner_folder(self._grants, owner) / dataset_id


def _size_noted(marker: Path) -> int:
    """Return the size in a marker; 0 in those of earlier versions."""
    try:
        return int(marker.read_text(encoding="ascii") or 0)
    except (FileNotFoundError, ValueError):
        return 0


def check_exposure(settings: Settings) -> None:
    """Refuse to listen on more than loopback while nobody is asked for a key.

    Raises:
        OpenToAll: The address is not a loopback one, and no keys are set.
    """
    host = settings.published_host or settings.host
    if settings.api_keys or settings.allow_open or is_loopback(host):
        return
    raise OpenToAll(
        f"expected API keys (KANTOR_API_KEYS) to serve on {host}, received "
        "none; without keys only 127.0.0.1 is served unless KANTOR_ALLOW_OPEN=true"
    )
