"""Go through every route in a process that can import neither torch, SciPy nor POT,
nor the SDK of OpenTelemetry.

    python light_api.py REDIS_URL DATA_DIR KEY_PREFIX

Prints the routes that were gone through, and those there are, as JSON; each is a method
and a path of the OpenAPI document.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

BLOCKED = {"torch", "scipy", "ot", "opentelemetry.sdk", "opentelemetry.exporter"}


class Blocker(MetaPathFinder):
    """Refuses to import what the API's image does not have."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name.partition(".")[0] in BLOCKED or name in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)
        return None


sys.meta_path.insert(0, Blocker())

import httpx  # noqa: E402
import numpy as np  # noqa: E402

from kantor.estimator.critics.network import NetworkPotential  # noqa: E402
from kantor.estimator.samples.scaling import Scaler  # noqa: E402
from kantor.estimator.witness.document import CriticFile  # noqa: E402
from kantor.service.api.server import build_server  # noqa: E402
from kantor.service.queue import LeaseQueue  # noqa: E402
from kantor.service.queue.broker import connect  # noqa: E402
from kantor.service.settings import Settings  # noqa: E402
from kantor.service.store import BlobStore  # noqa: E402

ROWS = np.random.default_rng(1).normal(size=(50, 2)).tolist()
SIDES = {"source": {"samples": ROWS}, "target": {"samples": ROWS}}
DIFFERENCES = {
    "histogram": {"edges": [0.0, 1.0], "source": [1.0], "target": [1.0]},
    "source_extremes": [{"row": 3, "value": 1.5}],
    "target_extremes": [{"row": 7, "value": -2.0}],
    "attribution": [{"feature": 0, "share": 1.0, "slope": 1.0}],
}
POINT = {"step": 1, "elapsed_s": 0.1, "train": 1.0, "validation": 1.0}
RESULT = {
    "estimate": 1.0,
    "standard_error": 0.1,
    "lower_bound": 0.8,
    "confidence": 0.95,
    "bound_method": "betting",
    "p_value": 0.01,
    "detectable_distance": 0.3,
    "sample_lower_bound": 0.9,
    "sample_upper_bound": None,
    "sample_upper_bound_reason": "not asked for",
    "certificate": {"lipschitz_bound": 1.0, "norm": "l2", "layers": []},
    "critic_family": "affine",
    "n_source": 50,
    "n_target": 50,
    "dim": 2,
    "steps": 1,
    "elapsed_s": 0.5,
    "device": "cpu",
    "stop_reason": "converged",
    "warnings": [],
    "config": {"effort": "quick"},
    "versions": {"kantor": "0.1.0"},
    "curve": [POINT],
    "differences": DIFFERENCES,
}
CRITIC = CriticFile(
    family="network",
    function=NetworkPotential([np.array([[1.0, 0.0]])], [], "groupsort", 2),
    scaler=Scaler(center=np.zeros(2), deviation=np.ones(2), unit=1.0),
    low=-9.0,
    high=9.0,
    lipschitz_bound=1.0,
)


class Visitor:
    """Asks, and keeps account of the routes that were asked."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._paths = http.get("/openapi.json").json()["paths"]
        self.asked: set[str] = set()

    @property
    def known(self) -> set[str]:
        return {
            f"{method} {path}" for path, each in self._paths.items() for method in each
        }

    def ask(self, method: str, path: str, expected: int = 200, **options: Any) -> Any:
        """Ask a route; its status has to be the expected one."""
        answer = self._http.request(method, path, **options)
        assert answer.status_code == expected, f"{method} {path}: {answer.text}"
        self.asked.add(f"{method} {self._template(path)}")
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json else answer.content

    def _template(self, path: str) -> str:
        for template in self._paths:
            if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", template), path):
                return str(template)
        return path


@contextmanager
def serving(settings: Settings) -> Iterator[httpx.Client]:
    server = build_server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def visit_all(visitor: Visitor, settings: Settings) -> None:
    visit_operations(visitor)
    visit_datasets(visitor)
    visit_uploads(visitor)
    visit_jobs(visitor, settings)


def visit_operations(visitor: Visitor) -> None:
    for path in (
        "/",
        "/docs",
        "/healthz",
        "/readyz",
        "/v1/info",
        "/v1/settings",
        "/metrics",
    ):
        visitor.ask("get", path)
    visitor.ask("get", "/v1/webhooks/secrets")
    for method in ("put", "get", "delete"):
        visitor.ask(method, "/v1/drain")


def visit_datasets(visitor: Visitor) -> None:
    csv = "\n".join(",".join(map(repr, row)) for row in ROWS)
    kind = {"Content-Type": "text/csv"}
    kept = visitor.ask("post", "/v1/datasets", 201, content=csv, headers=kind)
    visitor.ask("get", f"/v1/datasets/{kept['id']}")
    visitor.ask("get", f"/v1/datasets/{kept['id']}/rows")
    named = "/v1/references/baseline"
    visitor.ask("put", named, json={"dataset": kept["id"]})
    visitor.ask("get", named)
    visitor.ask("get", "/v1/references")
    visitor.ask("delete", named, 204)
    visitor.ask("delete", f"/v1/datasets/{kept['id']}", 204)


def visit_uploads(visitor: Visitor) -> None:
    uploads = [visitor.ask("post", "/v1/uploads", 201)["id"] for _ in range(2)]
    kept, dropped = (f"/v1/uploads/{upload}" for upload in uploads)
    batch = {"samples": ROWS}
    visitor.ask("post", f"{kept}/batches", 201, params={"index": 0}, json=batch)
    visitor.ask("get", kept)
    visitor.ask("post", f"{kept}/complete", 201)
    visitor.ask("delete", dropped, 204)


def visit_jobs(visitor: Visitor, settings: Settings) -> None:
    job = visitor.ask("post", "/v1/jobs", 202, json=SIDES)
    finish(settings)
    for path in job["links"].values():
        if not path.endswith(("/cancel", "/scores")):
            visitor.ask("get", path)
    pictures = [
        p for name, p in job["links"].items() if name in ("curve", "differences")
    ]
    for path in pictures:
        for form in ("csv", "png", "svg"):
            visitor.ask("get", path, params={"format": form})
    scored = visitor.ask("post", job["links"]["scores"], json={"samples": [[1.5, 2]]})
    assert scored == {"scores": [1.5]}
    visitor.ask("get", "/v1/jobs")
    visitor.ask("get", "/v1/answers", params={"job": job["id"]})
    visitor.ask("post", job["links"]["cancel"])
    visitor.ask("delete", job["links"]["self"], 204)


def finish(settings: Settings) -> None:
    """Play the worker that ends the only job."""
    assert settings.redis_url is not None
    blobs = BlobStore(settings.data_dir)
    with connect(settings.redis_url.get_secret_value()) as client:
        worker = LeaseQueue(client, settings, "worker")
        [claim] = worker.claim()
        result = blobs.put(json.dumps(RESULT).encode())
        assert worker.succeed(claim, result=result, critic=blobs.put(CRITIC.to_bytes()))


def main(redis_url: str, data_dir: str, prefix: str) -> None:
    settings = Settings.model_validate(
        {
            "redis_url": redis_url,
            "data_dir": Path(data_dir),
            "key_prefix": prefix,
            "port": 0,
            "webhook_root_secret": "0123456789abcdef0123456789abcdef",
        }
    )
    with serving(settings) as http:
        visitor = Visitor(http)
        visit_all(visitor, settings)
        told = {"asked": sorted(visitor.asked), "known": sorted(visitor.known)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
