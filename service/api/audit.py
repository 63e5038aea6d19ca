"""Who has changed what, and whose key was refused: one event for each, on a logger of
its own, `kantor.audit`.

`CHANGES` is the whole mapping from routes to events; the events are written where every
request passes, so that no route can forget one. Batches of an upload are part of it,
and not told one by one.
"""

from starlette.datastructures import Headers
from starlette.types import Scope

from kantor.service.api.access import Caller
from kantor.service.api.templates import route_template
from kantor.service.api_keys import digest_of, short_name
from kantor.service.logs import audit

CHANGES: dict[tuple[str, str], str] = {
    ("POST", "/v1/jobs"): "submit",
    ("POST", "/v1/jobs/{job_id}/cancel"): "cancel",
    ("DELETE", "/v1/jobs/{job_id}"): "delete",
    ("POST", "/v1/datasets"): "upload",
    ("DELETE", "/v1/datasets/{dataset_id}"): "delete",
    ("POST", "/v1/uploads"): "upload",
    ("POST", "/v1/uploads/{upload_id}/complete"): "upload",
    ("DELETE", "/v1/uploads/{upload_id}"): "delete",
    ("PUT", "/v1/references/{name}"): "reference",
    ("DELETE", "/v1/references/{name}"): "delete",
    ("PUT", "/v1/drain"): "drain",
    ("DELETE", "/v1/drain"): "drain",
}
REFUSALS = frozenset({"unauthorized", "scope_missing", "cross_site"})
"""Codes of problems that are about who asks, whatever is asked for."""

LONGEST_PATH = 200
"""Characters of a path that are kept; those of our routes are shorter."""


def tell(scope: Scope, *, status: int | None, location: str | None) -> None:
    """Write the event of a request that is about to be answered, if it is worth one.

    Args:
        scope: Of the request.
        status: Of the answer; None where the caller left before it.
        location: What the answer says was made.
    """
    code = scope["state"].get("problem")
    event = CHANGES.get((scope["method"], route_template(scope)))
    if code in REFUSALS:
        event = "refused"
    if event is None:
        return
    caller: Caller | None = scope["state"].get("caller")
    client = scope.get("client")
    audit(
        event,
        owner=caller.owner if caller else None,
        key=caller.key if caller else _presented(scope),
        address=client[0] if client else None,
        request_id=scope["state"]["request_id"],
        method=scope["method"],
        what=location or scope["path"][:LONGEST_PATH],
        result=_result(status),
        status=status,
        code=code,
    )


def _presented(scope: Scope) -> str | None:
    """Return the short name of a key that is not known: of its digest, never of it."""
    given = Headers(scope=scope).get("authorization", "").partition(" ")[2].strip()
    return short_name(digest_of(given)) if given else None


def _result(status: int | None) -> str:
    if status is None:
        return "unanswered"
    if status < 400:
        return "done"
    return "refused" if status < 500 else "failed"
