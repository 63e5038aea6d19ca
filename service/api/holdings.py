"""What each owner holds on the disk, and how much room there is left.

A tally is counted from the owner's folder now and then, and added to in between. Each
API process has its own, so that an owner may go a little beyond the limit where several
processes store at once.
"""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kantor.service.api.access import NOBODY, Access
from kantor.service.api.errors import StorageExceeded
from kantor.service.api.uploads import UploadStore
from kantor.service.settings import Settings

COUNTED_ANEW_S = 60.0
SETTLED_S = 1.0
"""How long a tally is believed that says there is no room."""

SHARE = 4
"""Of the disk one owner may have one part in so many, where it is not set."""

Admit = Callable[[int], None]
"""Checks whether so many bytes more may be stored."""


@dataclass
class _Tally:
    held: int
    counted_at: float


class Holdings:
    """Admits what owners store, up to their limits and that of the disk."""

    def __init__(
        self, settings: Settings, access: Access, uploads: UploadStore
    ) -> None:
        self._folder = settings.data_dir
        self._limit = settings.max_stored_bytes_per_key
        self._is_shared = settings.has_tenants
        self._reserve = settings.disk_reserve_bytes
        self._access = access
        self._uploads = uploads
        self._tallies: dict[str, _Tally] = {}
        self._lock = threading.Lock()

    def limit(self) -> int | None:
        """Return how many bytes one owner may hold; None: any number."""
        if self._limit is None and self._is_shared:
            return self._disk().total // SHARE
        return self._limit

    def admit(self, owner: str, nbytes: int) -> None:
        """Check that an owner may store so much more. Blocks.

        Raises:
            StorageExceeded: The owner holds too much.
            OSError: The disk is nearly full.
        """
        if self._disk().free - nbytes < self._reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        most = self.limit()
        if most is None or owner == NOBODY:
            return
        held = self._held(owner, COUNTED_ANEW_S)
        if held + nbytes > most:
            held = self._held(owner, SETTLED_S)
        if held + nbytes > most:
            raise StorageExceeded(most, held, nbytes)

    def add(self, owner: str, nbytes: int) -> None:
        """Note that an owner has stored so much."""
        with self._lock:
            if owner in self._tallies:
                self._tallies[owner].held += nbytes

    def _held(self, owner: str, believed_s: float) -> int:
        with self._lock:
            tally = self._tallies.get(owner)
        now = time.monotonic()
        if tally is None or now - tally.counted_at > believed_s:
            held = self._access.held(owner) + self._uploads.held(owner)
            tally = _Tally(held, now)
            with self._lock:
                self._tallies[owner] = tally
        return tally.held

    def _disk(self) -> shutil._ntuple_diskusage:
        try:
            return shutil.disk_usage(self._folder)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self._folder)
