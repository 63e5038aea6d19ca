"""Read the file of API keys again when it changes, so that keys come and go without a
restart.

Every API process looks by itself, once a second. A file that cannot be used, or has no
keys any more, changes nothing: what was valid stays valid, and the log says why. To
serve without keys is decided at the start alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from anyio import CapacityLimiter

from kantor.service.api.background.duties import Duty, done_meanwhile, in_lane
from kantor.service.api_keys import Owners, read_keys
from kantor.service.secret_files import SecretUnreadable
from kantor.service.settings import Settings

LOOK_AGAIN_S = 1.0

log = structlog.get_logger("kantor.api")


class KeysFile:
    """The file of API keys, and what it held when it was last of use."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._version: tuple[int, ...] | None = ()

    def changed(self) -> Settings | None:
        """Return the settings with other keys; None where the keys are as before."""
        version = _version(self._path)
        if version == self._version:
            return None
        self._version = version  # before the read: what is written later is read later
        try:
            found = self._read()
        except (SecretUnreadable, ValueError) as error:
            log.error("api_keys_unusable", reason=str(error))
            return None
        if found == self._settings.api_keys:
            return None
        self._settings = self._settings.model_copy(update={"api_keys": found})
        log.info("api_keys_changed", owners=sorted(found))
        return self._settings

    def _read(self) -> Owners:
        found = read_keys(self._path)
        if not found and self._settings.api_keys:
            raise ValueError("expected API keys, received an empty file")
        return found


@asynccontextmanager
async def watching_keys(
    settings: Settings, adopt: Callable[[Settings], None], *, closing: asyncio.Event
) -> AsyncIterator[None]:
    """Hand settings with other keys to `adopt`, for as long as the block runs."""
    if settings.api_keys_file is None:
        yield
        return
    file = KeysFile(settings.api_keys_file, settings)
    look_at = in_lane(file.changed, CapacityLimiter(1))

    async def look() -> None:
        found = await look_at()
        if found is not None:
            adopt(found)

    duty = Duty(look, "reading the API keys failed", LOOK_AGAIN_S)
    async with done_meanwhile([duty], closing):
        yield


def _version(path: Path) -> tuple[int, ...] | None:
    """Return what changes with a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
