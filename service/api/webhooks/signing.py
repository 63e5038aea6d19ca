"""Sign notifications after the Standard Webhooks specification 1.0, symmetric form.

A receiver has to know the secret to verify a signature, and could sign with it. So each
caller has a secret of its own, derived from the operator's: nobody can forge what
another caller trusts, and there is nothing to store.
"""

import base64
import hmac

from kantor.service.settings import Settings

PREFIX = "whsec_"


class Signer:
    """Knows every caller's secrets: one for each root, the newest first."""

    def __init__(self, settings: Settings) -> None:
        roots = settings.webhook_root_secret
        self._roots = roots.get_secret_value().split() if roots else []

    def secrets(self, owner: str) -> list[str]:
        """Return a caller's secrets as they are shown: `whsec_` and base64."""
        return [PREFIX + _base64(key) for key in self._keys(owner)]

    def headers(
        self, owner: str, message_id: str, body: bytes, *, at: int
    ) -> dict[str, str]:
        """Return the headers that prove a message.

        Args:
            owner: Whose secrets sign.
            message_id: The same for every attempt; without a full stop.
            body: What is sent, to the byte.
            at: Time of this attempt in seconds since the epoch.
        """
        signatures = [sign(key, message_id, body, at=at) for key in self._keys(owner)]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signatures),
        }

    def _keys(self, owner: str) -> list[bytes]:
        purpose = b"kantor webhook secret\0" + owner.encode()
        return [hmac.digest(root.encode(), purpose, "sha256") for root in self._roots]


def sign(key: bytes, message_id: str, body: bytes, *, at: int) -> str:
    """Return `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    message = f"{message_id}.{at}.".encode() + body
    return "v1," + _base64(hmac.digest(key, message, "sha256"))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
