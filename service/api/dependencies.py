"""What a route may ask for, each by an annotation of its own.

    async def show(job_id: JobId, services: ServicesDep, owner: OwnerDep) -> ...: ...

They are few: FastAPI solves each one anew for every request, which takes longer than
most of what short requests do. The routes that are asked most, to submit a job and to
look at one, ask for the owner alone, and get the rest by `services_of`.
"""

from contextlib import AbstractContextManager
from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from kantor.service.api.errors import FieldError, InvalidRequest
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.rates import spend_request
from kantor.service.api.scopes import needed_scope
from kantor.service.api.services import Services
from kantor.service.api.templates import route_template
from kantor.service.decoding import Reading, Undecodable
from kantor.service.trails import valid_traceparent

_DELIMITER = "Between the cells of a csv file; `tab` is one, too."
_SIGNS = ("delimiter", "quote", "decimal")


async def _services(request: Request) -> Services:
    return services_of(request)  # a plain function would take a thread


ServicesDep = Annotated[Services, Depends(_services)]
"""All parts of the application that the request came to."""


async def _owner(request: Request) -> str:
    """Return who asks, once nothing speaks against the request."""
    services, state = services_of(request), request.scope["state"]
    headers, access = request.headers, services.access
    access.check_site(headers.get("host", ""), headers.get("origin"))
    caller = access.caller_of(headers.get("authorization"))
    state["caller"] = caller
    caller.check(needed_scope(request.method, route_template(request.scope)))
    state["headers"] = await spend_request(
        services.board, services.settings, caller.owner
    )
    return caller.owner


OwnerDep = Annotated[str, Depends(_owner)]
"""The owner that the request's API key belongs to; a route without it asks nobody."""


async def _owned(request: Request, owner: OwnerDep) -> OwnedDatasets:
    return services_of(request).owned_by(owner)


OwnedDep = Annotated[OwnedDatasets, Depends(_owned)]
"""The datasets, and names for them, of whoever asks."""


async def _stream(request: Request, owner: OwnerDep) -> AbstractContextManager[None]:
    """Return what counts a stream while it is open; refuse one too many at once."""
    streams = services_of(request).streams
    streams.check(owner)
    return streams.opened(owner)


StreamDep = Annotated[AbstractContextManager[None], Depends(_stream)]


async def _reading(
    delimiter: Annotated[str | None, Query(description=_DELIMITER)] = None,
    quote: Annotated[str | None, Query(description="Around cells.")] = None,
    decimal: Annotated[str | None, Query(description="Point or comma.")] = None,
    encoding: Annotated[str | None, Query(max_length=40)] = None,
    header: Annotated[Literal["auto", "yes", "no"], Query()] = "auto",
    drop: Annotated[list[str] | None, Query(max_length=100)] = None,
) -> Reading:
    try:
        return Reading(
            delimiter=delimiter,
            quote=quote,
            decimal=decimal,
            encoding=encoding,
            header=header,
            drop=tuple(drop or ()),
        )
    except Undecodable as error:
        place = next(name for name in _SIGNS if name in str(error))
        detail = str(error)
        raise InvalidRequest(detail, FieldError(parameter=place, detail=detail)) from (
            error
        )


ReadingDep = Annotated[Reading, Depends(_reading)]
"""How to read the file in a body, where that shall not be found out."""


def services_of(request: Request) -> Services:
    """Return all parts of the application that a request came to."""
    services: Services = request.app.state.services
    return services


def traceparent_of(request: Request) -> str:
    """Return what names a request in traces: its own span, or that of its caller.

    It is empty where there is neither.
    """
    own: str | None = request.scope["state"].get("traceparent")
    return own or valid_traceparent(request.headers.get("traceparent"))
