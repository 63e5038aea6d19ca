"""Python client of the HTTP service; importing it loads neither torch nor FastAPI.

    with KantorClient("http://127.0.0.1:8000") as client:
        job = client.submit(source_array, "target.npy", config={"seed": 1})
        job = client.wait(job["id"])
        print(job["result"]["lower_bound"])

Samples go up as datasets first. Their ids are digests of the content, so sending the
same samples again is harmless, and a job is a small document that refers to them.
"""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import ArrayLike

from kantor.service.formats import FORMATS, FileFormat, media_type_of_name

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "cancelled"})

_FIRST_POLL_S = 0.1
_LONGEST_POLL_S = 2.0
_BLOCK_BYTES = 1 << 20

Samples = ArrayLike | Path | str
"""What the client sends: an array, or the path of a file the service can decode."""

Document = dict[str, Any]


class KantorError(Exception):
    """Carry the problem document with which the service refused a request.

    Attributes:
        problem: The RFC 9457 document; `code` and `detail` are always there.
    """

    def __init__(self, problem: Document) -> None:
        super().__init__(problem["detail"])
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable machine-readable code, listed in docs/errors.md."""
        return str(self.problem["code"])

    @property
    def status(self) -> int | None:
        """The HTTP status, or None where no answer came."""
        return self.problem.get("status")


class KantorClient:
    """Talk to one service; use as a context manager to close its connections.

    Args:
        base_url: Address of the service, without `/v1`.
        api_key: Key sent as a bearer token, where the service asks for one.
        timeout_s: Longest silence of the service within one request.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Address of the service."""
        return str(self._http.base_url)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def info(self) -> Document:
        """Return what the service says about itself: versions and limits."""
        return self._json("GET", "/v1/info")

    def ready(self) -> Document:
        """Return the readiness report; an unready service raises `KantorError`."""
        return self._json("GET", "/readyz")

    def upload_dataset(self, samples: Samples) -> Document:
        """Store samples and return the dataset document with its `id`."""
        if isinstance(samples, str | Path):
            path = Path(samples)
            return self._upload(_file_blocks(path), media_type_of_name(path.name))
        media_type = FORMATS[FileFormat.NPY].media_types[0]
        return self._upload(_npy_bytes(samples), media_type)

    def name_dataset(self, name: str, dataset_id: str) -> Document:
        """Let a name stand for a stored dataset from now on; return the reference."""
        body = {"dataset": dataset_id}
        return self._json("PUT", f"/v1/references/{name}", json=body)

    def references(self) -> list[Document]:
        """Return all references, by name."""
        found: list[Document] = self._json("GET", "/v1/references")["data"]
        return found

    def reference(self, name: str) -> Document:
        """Return what a name stands for, with its versions, the newest first."""
        return self._json("GET", f"/v1/references/{name}")

    def forget_reference(self, name: str) -> None:
        """Forget a name; the datasets stay."""
        self._request("DELETE", f"/v1/references/{name}")

    def submit(
        self,
        source: Samples,
        target: Samples,
        *,
        config: Document | None = None,
        labels: dict[str, str] | None = None,
        priority: int = 0,
        deadline_s: float | None = None,
        webhook: str | None = None,
        source_weights: Samples | None = None,
        target_weights: Samples | None = None,
        **options: Any,
    ) -> Document:
        """Upload both sides and queue a job; return its document.

        Args:
            source: Samples of P.
            target: Samples of Q.
            config: Settings of the estimation.
            labels: Names of your own, to find the job by.
            priority: Higher runs earlier.
            deadline_s: Give up when the job has not ended after this long.
            webhook: A https URL that is told of the end, where the service does that.
            source_weights: One number for each source sample; None: all weigh alike.
            target_weights: The same for the target.
            options: Any other field of the request, as docs/api.md lists them.
        """
        request: Document = {
            "source": self._side(source, source_weights),
            "target": self._side(target, target_weights),
            "config": config or {},
            "labels": labels or {},
            "priority": priority,
            "deadline_s": deadline_s,
            **options,
        }
        if webhook is not None:
            request["webhook"] = {"url": webhook}
        return self._json("POST", "/v1/jobs", json=request)

    def job(self, job_id: str) -> Document:
        """Return the job's document; `result` is in it once it has succeeded."""
        return self._json("GET", f"/v1/jobs/{job_id}")

    def wait(
        self,
        job_id: str,
        *,
        timeout_s: float | None = None,
        on_update: Callable[[Document], None] | None = None,
    ) -> Document:
        """Poll until the job has ended and return its document.

        Args:
            job_id: The job to wait for.
            timeout_s: Give up after this long; None waits for ever.
            on_update: Called with the document after each poll.

        Raises:
            TimeoutError: The job had not ended after `timeout_s`; it goes on.
            KantorError: The service refused, or did not answer.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = _FIRST_POLL_S
        while True:
            job = self.job(job_id)
            if on_update is not None:
                on_update(job)
            if job["status"] in TERMINAL_STATUSES:
                return job
            if until is not None and time.monotonic() + pause_s > until:
                raise TimeoutError(f"job {job_id} is still {job['status']}")
            time.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_POLL_S)

    def cancel(self, job_id: str) -> Document:
        """Ask for the job's end; return its document, in whatever state it is."""
        return self._json("POST", f"/v1/jobs/{job_id}/cancel")

    def curve(self, job_id: str, form: str = "json") -> bytes:
        """Return the training curve as json, csv, svg or png."""
        path = f"/v1/jobs/{job_id}/curve"
        return self._request("GET", path, params={"format": form}).content

    def differences(self, job_id: str, form: str = "json") -> bytes:
        """Return where the samples differ: json, or its histogram as csv, svg, png."""
        path = f"/v1/jobs/{job_id}/differences"
        return self._request("GET", path, params={"format": form}).content

    witness = differences
    """The earlier name."""

    def _side(self, samples: Samples, weights: Samples | None) -> Document:
        side: Document = {"dataset": self.upload_dataset(samples)["id"]}
        if weights is not None:
            side["weights"] = {"dataset": self.upload_dataset(weights)["id"]}
        return side

    def _upload(self, content: bytes | Iterator[bytes], media_type: str) -> Document:
        headers = {"Content-Type": media_type}
        return self._json("POST", "/v1/datasets", content=content, headers=headers)

    def _json(self, method: str, path: str, **options: Any) -> Document:
        document: Document = self._request(method, path, **options).json()
        return document

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise KantorError(_unreachable(self._http.base_url, error)) from error
        if response.is_error:
            raise KantorError(_problem(response))
        return response


def _npy_bytes(samples: ArrayLike) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(samples), allow_pickle=False)
    return buffer.getvalue()


def _file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _unreachable(base_url: httpx.URL, error: httpx.HTTPError) -> Document:
    detail = f"no answer from {base_url}: {error or type(error).__name__}"
    return {"code": "unreachable", "title": "Service unreachable", "detail": detail}


def _problem(response: httpx.Response) -> Document:
    """Return the problem document, or one made from an answer that has none."""
    fallback = {"code": "unexpected_answer", "status": response.status_code}
    fallback["detail"] = f"HTTP {response.status_code} {response.reason_phrase}"
    if "json" not in response.headers.get("content-type", ""):
        return fallback
    document = response.json()
    return fallback | document if isinstance(document, dict) else fallback
