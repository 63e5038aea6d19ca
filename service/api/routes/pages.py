"""The pages that people open in a browser: one document, whose script knows the rest.

Every address of a page answers the same document, so that each can be opened anew,
kept and passed on. What it shows comes from the routes under `/v1`, with the reader's
own key where keys are needed; the document itself holds nothing of anybody.
"""

import json
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"
_ALWAYS_ASKED = {"Cache-Control": "no-cache"}
"""Browsers ask whether a file has changed, so that no page mixes two versions."""

_DOCS_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""Swagger UI writes styles into its elements; nothing else here may."""

router = APIRouter(include_in_schema=False)


class Assets(StaticFiles):
    """Scripts and styles of the pages."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, to be asked for again each time."""
        response = await super().get_response(path, scope)
        response.headers.update(_ALWAYS_ASKED)
        return response


@router.get("/")
@router.get("/jobs")
@router.get("/jobs/{job_id}")
@router.get("/compare")
@router.get("/history")
async def page() -> FileResponse:
    """Return the document of every page."""
    return FileResponse(STATIC / "page" / "index.html", headers=_ALWAYS_ASKED)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Return the OpenAPI document, which anybody may ask for as often as he likes."""
    state = request.app.state
    if not hasattr(state, "openapi"):
        state.openapi = json.dumps(request.app.openapi()).encode()
    return Response(state.openapi, media_type="application/json")


@router.get("/docs")
async def docs() -> FileResponse:
    """Return the page that shows the OpenAPI document."""
    headers = {"Content-Security-Policy": _DOCS_POLICY}
    return FileResponse(STATIC / "swagger" / "index.html", headers=headers)
