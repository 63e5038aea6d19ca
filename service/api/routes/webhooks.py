"""What receivers of webhooks need: their secrets, and what they will be sent."""

from fastapi import APIRouter, Response

from kantor.service.api.dependencies import OwnerDep, ServicesDep
from kantor.service.api.webhooks.messages import MessageView

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.get("/secrets", summary="What verifies your webhooks")
async def secrets(
    services: ServicesDep, owner: OwnerDep, response: Response
) -> dict[str, list[str]]:
    """Return the secrets that sign what your webhooks receive; none where they are off.

    There is one, and a second while the operator replaces it.
    """
    response.headers["Cache-Control"] = "no-store"
    webhooks = services.webhooks
    return {"secrets": webhooks.signer.secrets(owner) if webhooks else []}


async def job_ended(message: MessageView) -> None:
    """Sent to the `webhook` of a job when it has ended.

    The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of
    Standard Webhooks 1.0. Answer with any 2xx status.
    """
