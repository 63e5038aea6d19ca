"""What each owner holds on the disk, and how much room there is left.

Where owners have a limit, room is taken before anything is stored, from a tally that
all API processes share (`tallies`).
"""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress

from kantor.service.api.access import NOBODY, Access
from kantor.service.api.errors import StorageExceeded
from kantor.service.api.tallies import Tally
from kantor.service.api.uploads import UploadStore
from kantor.service.settings import Settings
from kantor.service.store.files import owner_folder

COUNTED_ANEW_S = 60.0
SETTLED_S = 1.0
"""How long a tally is believed that says there is no room."""

SHARE = 4
"""Of the disk one owner may have one part in so many, where it is not set."""

Admit = Callable[[int], None]
"""Checks whether so many bytes more may be stored."""


class Holdings:
    """Admits what owners store, up to their limits and that of the disk."""

    def __init__(
        self, settings: Settings, access: Access, uploads: UploadStore
    ) -> None:
        self._folder = settings.data_dir
        self._settings = settings
        self._reserve = settings.disk_reserve_bytes
        self._access = access
        self._uploads = uploads

    def adopt(self, settings: Settings) -> None:
        """Go by the keys of these settings from now on."""
        self._settings = settings

    def limit(self) -> int | None:
        """Return how many bytes one owner may hold; None: any number."""
        limit = self._settings.max_stored_bytes_per_key
        if limit is None and self._settings.has_tenants:
            return self._disk().total // SHARE
        return limit

    def admit(self, owner: str, nbytes: int) -> None:
        """Check that an owner may store so much more. Blocks.

        Raises:
            StorageExceeded: The owner holds too much.
            OSError: The disk is nearly full.
        """
        self._check_disk(nbytes)
        most = self._limit_of(owner)
        if most is None:
            return
        held = self._held(owner, COUNTED_ANEW_S)
        if held + nbytes > most:
            held = self._held(owner, SETTLED_S)
        if held + nbytes > most:
            raise StorageExceeded(most, held, nbytes)

    def take(self, owner: str, nbytes: int) -> None:
        """Take room for what an owner is about to store. Blocks; raises as `admit`."""
        self.admit(owner, nbytes)
        most = self._limit_of(owner)
        if most is None or self._tally(owner).take(nbytes, most=most):
            return
        held = self._held(owner, 0.0)  # others have stored in this very moment
        if not self._tally(owner).take(nbytes, most=most):
            raise StorageExceeded(most, held, nbytes)

    def give_back(self, owner: str, nbytes: int) -> None:
        """Note that room was taken for what the owner has already."""
        with suppress(OSError):  # a count puts it right
            self._tally(owner).give_back(nbytes)

    def _limit_of(self, owner: str) -> int | None:
        return None if owner == NOBODY else self.limit()

    def _held(self, owner: str, believed_s: float) -> int:
        def count() -> int:
            return self._access.held(owner) + self._uploads.held(owner)

        return self._tally(owner).held(count, believed_s=believed_s)

    def _tally(self, owner: str) -> Tally:
        return Tally(owner_folder(self._folder / "tallies", owner))

    def _check_disk(self, nbytes: int) -> None:
        if self._disk().free - nbytes < self._reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _disk(self) -> shutil._ntuple_diskusage:
        try:
            return shutil.disk_usage(self._folder)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self._folder)
