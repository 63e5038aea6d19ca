"""Python clients of the HTTP service; importing them loads neither torch nor FastAPI.

    with KantorClient("http://127.0.0.1:8000") as client:
        job = client.submit(source_array, "target.npy", config={"seed": 1})
        print(job.wait().result)

`AsyncKantorClient` has the same methods, to be awaited. Samples go up as datasets
first. Their ids are digests of the content, so sending the same samples again is
harmless, and a job is a small document that refers to them.
"""

from kantor.service.client.answers import (
    Dataset,
    Event,
    Reference,
    Side,
    Upload,
)
from kantor.service.client.asynchronous import AsyncJob, AsyncKantorClient
from kantor.service.client.blocking import Job, KantorClient
from kantor.service.client.errors import (
    AccessDenied,
    Busy,
    Conflict,
    FieldProblem,
    JobFailed,
    KantorError,
    NotFound,
    Refused,
    ServiceFailed,
    Unreachable,
)
from kantor.service.client.steps import Retries

__all__ = [
    "AccessDenied",
    "AsyncJob",
    "AsyncKantorClient",
    "Busy",
    "Conflict",
    "Dataset",
    "Event",
    "FieldProblem",
    "Job",
    "JobFailed",
    "KantorClient",
    "KantorError",
    "NotFound",
    "Reference",
    "Refused",
    "Retries",
    "ServiceFailed",
    "Side",
    "Unreachable",
    "Upload",
]
