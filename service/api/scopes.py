"""What a key has to be allowed for a request: the whole mapping, in one place.

Who only looks needs `read`, who changes something `submit`. `OTHERS` lists the routes
of which that would be wrong, by method and template.
"""

from kantor.service.api_keys import Scope

OTHERS: dict[tuple[str, str], Scope] = {
    ("POST", "/v1/jobs/{job_id}/scores"): Scope.READ,  # a question with a body
    ("GET", "/v1/webhooks/secrets"): Scope.SUBMIT,  # who has it can sign
    ("GET", "/metrics"): Scope.METRICS,
    ("GET", "/v1/drain"): Scope.OPERATE,
    ("PUT", "/v1/drain"): Scope.OPERATE,
    ("DELETE", "/v1/drain"): Scope.OPERATE,
}


def needed_scope(method: str, template: str) -> Scope:
    """Return what a key has to be allowed for a route.

    >>> needed_scope("GET", "/v1/jobs/{job_id}").value
    'read'
    """
    usual = Scope.READ if method == "GET" else Scope.SUBMIT
    return OTHERS.get((method, template), usual)
