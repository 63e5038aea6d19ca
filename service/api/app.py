"""Put the HTTP application together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kantor.service.api import openapi
from kantor.service.api.background.dispatcher import dispatching
from kantor.service.api.background.keys import watching_keys
from kantor.service.api.background.reaper import reaping
from kantor.service.api.middleware import (
    BodyLimiter,
    ProblemsOnly,
    RequestContext,
    problem_response,
)
from kantor.service.api.problems import PROBLEMS, problem_for
from kantor.service.api.routes import (
    answers,
    configuration,
    datasets,
    draining,
    jobs,
    operations,
    outputs,
    pages,
    references,
    rows,
    uploads,
    webhooks,
)
from kantor.service.api.services import Services, build_services
from kantor.service.queue import DeliveryQueue
from kantor.service.settings import Settings

_ROUTES = (
    jobs,
    outputs,
    answers,
    datasets,
    rows,
    references,
    uploads,
    webhooks,
    configuration,
    draining,
    operations,
    pages,
)
_DESCRIPTION = "Certified lower bounds on the Wasserstein-1 distance of two samples."


def create_app(settings: Settings, *, services: Services | None = None) -> FastAPI:
    """Return the application; it starts whether or not Redis can be reached.

    Args:
        settings: Limits, addresses, keys.
        services: What routes work with; by default built from `settings`.
    """
    app = FastAPI(
        title="Kantor",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        openapi_url=None,  # written out once, by `pages`
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lead to whatever Host says
        lifespan=_lifespan,
        responses=openapi.PROBLEM_RESPONSES,
    )
    app.state.services = services or build_services(settings)
    for module in _ROUTES:
        app.include_router(module.router)
    app.webhooks.post("job-ended", summary="A job has ended")(webhooks.job_ended)
    app.mount("/static", pages.Assets(directory=pages.STATIC), name="static")
    for error in (HTTPException, RequestValidationError, *PROBLEMS):
        if error is not Exception:  # RequestContext answers what nobody foresaw
            app.add_exception_handler(error, _answer_problem)
    app.add_middleware(BodyLimiter, max_bytes=settings.max_body_bytes)
    app.add_middleware(ProblemsOnly)
    parts: Services = app.state.services
    app.add_middleware(
        RequestContext, observe=parts.latencies.observe, tracer=parts.tracer
    )
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


async def _answer_problem(request: Request, error: Exception) -> Response:
    response = problem_response(problem_for(error), request.scope)
    if isinstance(error, HTTPException) and error.status_code == 405:
        # The router names the methods of one route only, not of the whole path.
        response.headers["Allow"] = openapi.methods_of(request.app, request.url.path)
    return response


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    closing = services.closing
    reaper = reaping(
        services.board,
        services.uploads,
        services.latencies,
        every_s=services.settings.heartbeat_s,
        closing=closing,
        hold=lambda: services.datasets.hold(services.references.datasets()),
        forget=lambda: services.access.forget_gone(services.datasets.has),
    )
    dispatcher = dispatching(
        DeliveryQueue(services.client, services.settings),
        services.blobs,
        services.webhooks,
        closing=closing,
    )
    keys = watching_keys(services.settings, services.adopt, closing=closing)
    async with reaper, dispatcher, keys:
        yield
    with suppress(RedisError):
        await services.latencies.flush()
    await services.client.aclose()
    if services.tracer is not None:
        await anyio.to_thread.run_sync(services.tracer.close)
