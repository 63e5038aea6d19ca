"""Opaque page cursors, signed so that nobody can make up one of their own."""

import base64
import binascii
import contextlib
import hmac
import os
import secrets
from pathlib import Path

from kantor.service.api.errors import FieldError, InvalidRequest

_MAC_BYTES = 16
_KEY_BYTES = 32


class Cursors:
    """Signs and reads cursors with a key kept beside the data."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "cursor.key"

    def write(self, owner: str, position: int) -> str:
        """Return the cursor of a position in an owner's list."""
        payload = str(position).encode()
        return base64.urlsafe_b64encode(self._mac(owner, payload) + payload).decode()

    def read(self, owner: str, cursor: str) -> int:
        """Return the position that a cursor stands for.

        Raises:
            InvalidRequest: The cursor was not written here for this owner.
        """
        try:
            raw = base64.urlsafe_b64decode(cursor.encode("ascii"))
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not payload or not hmac.compare_digest(mac, self._mac(owner, payload)):
            detail = "expected a next_cursor of an earlier answer"
            raise InvalidRequest(detail, FieldError(parameter="cursor", detail=detail))
        return int(payload)

    def _mac(self, owner: str, payload: bytes) -> bytes:
        message = owner.encode() + b"\0" + payload
        return hmac.digest(self._key(), message, "sha256")[:_MAC_BYTES]

    def _key(self) -> bytes:
        """Read the key; the first process to need one makes it, whole or not at all."""
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{secrets.token_hex(8)}")
            draft.touch(mode=0o600)
            draft.write_bytes(secrets.token_bytes(_KEY_BYTES))
            with contextlib.suppress(FileExistsError):  # another process was first
                os.link(draft, self._path)
            draft.unlink()
        return self._path.read_bytes()
