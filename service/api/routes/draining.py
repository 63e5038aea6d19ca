"""The drain: let workers claim no more jobs, before hosts or versions change."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from kantor.service.api.dependencies import OwnerDep, ServicesDep
from kantor.service.api.views import timestamp
from kantor.service.queue import Draining

router = APIRouter(prefix="/v1/drain", tags=["operations"])


class DrainedView(BaseModel):
    """One worker, one host, or all of them (`*`)."""

    name: str
    since: str


class DrainView(BaseModel):
    """What claims no jobs, and how many jobs run there still."""

    draining: list[DrainedView]
    running: int


@router.get("", response_model=DrainView, summary="Look at the drain")
async def show(services: ServicesDep, owner: OwnerDep) -> Response:
    """Tell which workers claim no jobs; needs a key with the scope `operate`."""
    return JSONResponse(_document(await services.board.drain("look")))


@router.put("", response_model=DrainView, summary="Drain all workers")
async def begin(services: ServicesDep, owner: OwnerDep) -> Response:
    """Let no worker claim a job from now on; those that run go on to their end.

    Jobs are accepted still, and wait. `running` says how many are left. Needs a key
    with the scope `operate`.
    """
    return JSONResponse(_document(await services.board.drain("on")))


@router.delete("", response_model=DrainView, summary="End the drain")
async def end(services: ServicesDep, owner: OwnerDep) -> Response:
    """Let all workers claim jobs again; needs a key with the scope `operate`."""
    return JSONResponse(_document(await services.board.drain("off")))


def _document(found: Draining) -> dict[str, Any]:
    names = sorted(found.names.items())
    return {
        "draining": [{"name": name, "since": timestamp(at)} for name, at in names],
        "running": found.running,
    }
