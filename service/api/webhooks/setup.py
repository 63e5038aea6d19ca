"""What telling webhooks takes, built once where the operator has enabled them."""

from dataclasses import dataclass

from kantor.service.api.errors import InvalidRequest, WebhooksDisabled
from kantor.service.api.schemas import WebhookRequest
from kantor.service.api.webhooks.destinations import Refused
from kantor.service.api.webhooks.sending import Sender
from kantor.service.api.webhooks.signing import Signer
from kantor.service.queue import Webhook
from kantor.service.settings import Settings

DELAYS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Time after each attempt until the next, as Standard Webhooks suggests: three days."""


@dataclass(frozen=True)
class Webhooks:
    """How notifications are signed and sent, and when they are sent again."""

    signer: Signer
    sender: Sender
    delays_s: tuple[float, ...] = DELAYS_S

    @property
    def max_attempts(self) -> int:
        """Attempts after which a notification is given up."""
        return len(self.delays_s) + 1


def build_webhooks(settings: Settings) -> Webhooks | None:
    """Build from settings; None where no root secret is set.

    Raises:
        ValueError: The file of CA certificates cannot be used.
    """
    if settings.webhook_root_secret is None:
        return None
    return Webhooks(Signer(settings), Sender.from_settings(settings))


def accepted_webhook(
    webhooks: Webhooks | None, asked: WebhookRequest | None
) -> Webhook | None:
    """Return the webhook that a request asks for.

    Raises:
        WebhooksDisabled: It asks for one, and there are none here.
        InvalidRequest: Nothing will ever be sent to its URL.
    """
    if asked is None:
        return None
    if webhooks is None:
        raise WebhooksDisabled
    try:
        destination = webhooks.sender.check(asked.url)
    except Refused as error:
        raise InvalidRequest.at("#/webhook/url", str(error)) from error
    return Webhook(str(destination.url), destination.host, [*asked.events])
