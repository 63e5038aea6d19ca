"""Which route a request came to, by its template: names that are bounded in number."""

from starlette.types import Scope

UNKNOWN = "unknown"
_STATIC = "/static"


def route_template(scope: Scope) -> str:
    """Return the template of the route that was found, such as `/v1/jobs/{job_id}`.

    A request that came to none is `unknown`; all files of the pages are one route.
    """
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    return _STATIC if scope["path"].startswith(f"{_STATIC}/") else UNKNOWN
