"""What eve asks for that is not hers."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.attack.stage import KEYS, Stage, Tally, small_job

WRONG_KEYS = (
    "",
    "Bearer",
    "Bearer ",
    "Bearer null",
    f"Basic {KEYS['ada']}",
    f"Bearer {KEYS['ada'][:-1]}",
    f"Bearer {KEYS['ada']}x",
    f"Bearer {KEYS['ada'].upper()}",
    f"Bearer {KEYS['ada']}, Bearer {KEYS['eve']}",
    "Bearer ada",
    "Bearer 0000000000000000000000000000000000000000000000000000000000000000",
    "Bearer ../../etc/passwd",
    "Bearer " + "a" * 8000,
)

COLLISIONS = ("nightly", "ada:nightly", "%3Aada:nightly", ":ada:nightly", "a%3Ab", "*")
"""Idempotency keys that might name another owner's."""

INWARD = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "localhost",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[::]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "100.64.0.1",
    "user:pass@127.0.0.1",
    "example.com@127.0.0.1",
    "127.0.0.1.",
    "localhost.localdomain",
    "ip6-localhost",
)


def wrong_keys(stage: Stage) -> Tally:
    """Keys that are none, on every route that asks for one."""
    tally = Tally()
    with httpx.Client(base_url=stage.url) as nobody:
        paths = ("/v1/jobs", "/metrics", "/v1/references", "/v1/jobs/job_" + "0" * 32)
        for path in paths:
            for given in WRONG_KEYS:
                headers = {"Authorization": given.strip()} if given else {}
                answer = nobody.get(path, headers=headers)
                tally.expect(answer, 401, "unauthorized")
    return tally


def others_things(stage: Stage) -> Tally:
    """Every route, with the ids of ada's job, dataset, upload and reference."""
    tally = Tally()
    with stage.caller("ada") as ada, stage.caller("eve") as eve:
        mine = _things(ada)
        document = ada.get("/openapi.json").json()
        for path, methods in document["paths"].items():
            names = re.findall(r"{(\w+)}", path)
            if not names or names[0] not in mine:
                continue
            asked = path.format(**{name: mine.get(name, "x") for name in names})
            for method in methods:
                _ask_in_vain(tally, eve, method.upper(), asked)
        _name_in_vain(tally, eve, mine)
        tally.check(ada.get(f"/v1/jobs/{mine['job_id']}").is_success, "a job is gone")
        dataset = ada.get(f"/v1/datasets/{mine['dataset_id']}")
        tally.check(dataset.is_success, "a dataset is gone")
        listed = eve.get("/v1/jobs", params={"label": "of:ada"}).json()["data"]
        tally.check(not listed, "jobs of another were listed")
    return tally


def collisions(stage: Stage) -> Tally:
    """Idempotency keys that might stand for another owner's job."""
    tally = Tally()
    with stage.caller("ada") as ada, stage.caller("eve") as eve:
        for number, key in enumerate(COLLISIONS, start=5000):  # asked by nobody yet
            headers = {"Idempotency-Key": key}
            body = small_job(number, labels={"of": "ada"})
            hers = ada.post("/v1/jobs", json=body, headers=headers).json()["id"]
            answer = eve.post("/v1/jobs", json=small_job(number), headers=headers)
            job = answer.json()
            same = job.get("id") == hers or job.get("labels") == {"of": "ada"}
            tally.check(answer.is_success and not same, f"{key!r} led to another's job")
            tally.check(not job.get("cached"), "another's answer was told")
    return tally


def equal_data(stage: Stage) -> Tally:
    """Data that ada has brought: nothing tells eve that anybody has."""
    tally = Tally()
    with stage.caller("ada") as ada, stage.caller("eve") as eve:
        first = _stored(ada, 7.0)
        second = _stored(eve, 7.0)
        fresh = _stored(eve, 8.0)
        known = first["created_at"] == second["created_at"]
        tally.check(not known, "a dataset of another has its age")
        tally.check(set(second) == set(fresh), "a known dataset looks different")
    return tally


def inward_webhooks(stage: Stage) -> Tally:
    """Webhooks at addresses of this machine and its networks."""
    tally = Tally()
    with _listener() as (port, heard), stage.caller("eve") as eve:
        for number, host in enumerate(INWARD):
            for url in (
                f"https://{host}/",
                f"https://{host}:{port}/",
                f"http://{host}/",
            ):
                job = small_job(1000 + number, webhook={"url": url})
                answer = eve.post("/v1/jobs", json=job)
                fine = answer.status_code in (202, 422)
                tally.check(fine, f"{url} got {answer.status_code}")
        tally.check(not heard, f"{len(heard)} connections came in")
    return tally


def forged_cursors(stage: Stage) -> Tally:
    """Cursors and event ids that nobody has given."""
    tally = Tally()
    with stage.caller("ada") as ada, stage.caller("eve") as eve:
        for number in range(2):
            ada.post("/v1/jobs", json=small_job(number, labels={"of": "ada"}))
        hers = ada.get("/v1/jobs", params={"limit": 1}).json()["next_cursor"]
        for cursor in (hers, "AAAA", "x" * 200, "%00"):
            answer = eve.get("/v1/jobs", params={"cursor": cursor})
            tally.expect(answer, 422, "invalid_request")
        job = eve.post("/v1/jobs", json=small_job(1)).json()["links"]["events"]
        for event in (f"{2**64}-0", "-1-0", "a", "0-0-0"):
            answer = eve.get(job, headers={"Last-Event-ID": event})
            tally.expect(answer, 422, "invalid_request")
    return tally


def _things(ada: httpx.Client) -> dict[str, str]:
    """Let ada have one of everything; return its ids by the names of parameters."""
    dataset = _stored(ada, 5.0)
    reference = {"dataset": dataset["id"]}
    ada.put("/v1/references/hers", json=reference).raise_for_status()
    upload = ada.post("/v1/uploads").json()["id"]
    job = ada.post("/v1/jobs", json=small_job(3, labels={"of": "ada"})).json()
    return {
        "job_id": job["id"],
        "dataset_id": dataset["id"],
        "upload_id": upload,
        "name": "hers",
    }


def _ask_in_vain(tally: Tally, eve: httpx.Client, method: str, path: str) -> None:
    body: Any = {"samples": [[1.0]]} if method == "POST" else {"dataset": "x"}
    answer = eve.request(method, path, json=None if method == "GET" else body)
    deleted = method == "DELETE" and path.startswith("/v1/jobs")  # 204, whatever it is
    refused = answer.status_code in (404, 422)
    tally.check(refused or deleted, f"{method} {path[:30]} got {answer.status_code}")


def _name_in_vain(tally: Tally, eve: httpx.Client, mine: dict[str, str]) -> None:
    """Refer to another's samples where an id or a name can stand in a body."""
    for side in ({"dataset": mine["dataset_id"]}, {"reference": mine["name"]}):
        answer = eve.post("/v1/jobs", json=small_job() | {"source": side})
        tally.expect(answer, 404)
    named = {"dataset": mine["dataset_id"]}
    tally.expect(eve.put("/v1/references/mine", json=named), 404)
    found = eve.get("/v1/answers", params={"job": mine["job_id"]}).json()["answers"]
    tally.check(not found, "an answer of another was told")


def _stored(caller: httpx.Client, value: float) -> dict[str, Any]:
    text = "\n".join(f"{value + i}" for i in range(50))
    kind = {"Content-Type": "text/csv"}
    stored = caller.post("/v1/datasets", content=text, headers=kind)
    found: dict[str, Any] = stored.raise_for_status().json()
    return found


@contextmanager
def _listener() -> Iterator[tuple[int, list[Any]]]:
    """Listen on loopback; yield the port and who has come."""
    heard: list[Any] = []

    class Hear(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.client_address)

    with socketserver.TCPServer(("127.0.0.1", 0), Hear) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], heard
        server.shutdown()
