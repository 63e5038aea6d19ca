"""What eve takes more of than her share."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import numpy as np

from tests.attack.stage import SETTINGS, Stage, Tally, small_job

QUOTA = SETTINGS["MAX_QUEUED"] // 4
MANY = 5 * SETTINGS["MAX_FILES_PER_KEY"]
LABELS = {f"name{i}": "v" * 250 for i in range(32)}


def queue(stage: Stage) -> Tally:
    """Jobs beyond the quota, which one worker cannot end as fast."""
    tally, found = Tally(), Counter[str]()
    slow = {"steps": 200, "effort": "quick", "critic": "network"}
    with stage.caller("eve") as eve, ThreadPoolExecutor(8) as pool:

        def submit(number: int) -> httpx.Response:
            job = small_job(number) | {"config": slow | {"seed": number}}
            return eve.post("/v1/jobs", json=job)

        answers = list(pool.map(submit, range(stage.scale.jobs)))
        found.update(str(answer.json().get("code", "accepted")) for answer in answers)
        tally.tried = len(answers)
        if found["quota_exceeded"] == 0 or set(found) - {"accepted", "quota_exceeded"}:
            tally.breaches.append(f"{dict(found)}")
        unfinished = _unfinished(eve)
        tally.check(unfinished <= QUOTA, f"{unfinished} unfinished jobs")
        _empty(eve)
    return tally


def priorities(stage: Stage) -> Tally:
    """Priorities that go before everybody's jobs."""
    tally = Tally()
    with stage.caller("eve") as eve:
        for priority in (1, 9, 10, 2**31):
            answer = eve.post("/v1/jobs", json=small_job(priority=priority))
            tally.expect(answer, 422)
    return tally


def uploads(stage: Stage) -> Tally:
    """Uploads that are opened and left."""
    return _opened(stage, lambda eve: eve.post("/v1/uploads"), "too_many_uploads")


def streams(stage: Stage) -> Tally:
    """Event streams of one job that does not end, beyond the quota of each process."""
    tally, refused = Tally(), 0
    most = SETTINGS["API_PROCESSES"] * SETTINGS["MAX_STREAMS_PER_KEY"]
    with ExitStack() as stack, stage.caller("eve") as eve:
        jobs = [eve.post("/v1/jobs", json=_long_job(n)).json() for n in range(4)]
        links = jobs[-1]["links"]
        for _ in range(most + 20):
            client = stack.enter_context(stage.caller("eve"))
            stream = stack.enter_context(client.stream("GET", links["events"]))
            refused += stream.status_code == 429
            known = stream.status_code in (200, 429)
            tally.check(known, f"a stream got {stream.status_code}")
        tally.check(refused >= 20, f"only {refused} streams were refused")
        for job in jobs:
            eve.post(job["links"]["cancel"]).raise_for_status()
    return tally


def labels(stage: Stage) -> Tally:
    """Labels as large as they may be, on as many jobs as are kept, and larger ones."""
    tally = Tally()
    with stage.caller("eve") as eve, ThreadPoolExecutor(4) as pool:
        first = eve.post("/v1/jobs", json=small_job(0))
        tally.check(first.is_success, f"a job got {first.status_code}")
        _ended(eve, first.json()["links"]["self"])

        def submit(number: int) -> int:
            job = small_job(0, labels=LABELS | {"number": str(number)})
            return eve.post("/v1/jobs", json=job).status_code

        many = SETTINGS["MAX_KEPT_PER_KEY"] + stage.scale.jobs
        found = Counter(pool.map(submit, range(many)))
        tally.check(set(found) <= {202, 422, 429}, f"labels got {dict(found)}")
        kept = _count(eve)
        allowed = SETTINGS["MAX_KEPT_PER_KEY"] + QUOTA
        tally.check(kept <= allowed, f"{kept} jobs of one key are kept")
        for wrong in (
            {"a": "v" * 257},
            {"a" * 65: "v"},
            {f"n{i}": "v" for i in range(33)},
        ):
            tally.expect(eve.post("/v1/jobs", json=small_job(labels=wrong)), 422)
        columns = {"columns": ["c" * 60 + str(i) for i in range(2000)]}
        body = small_job() | {"config": columns}
        tally.expect(eve.post("/v1/jobs", json=body), 422, "limit_exceeded")
    return tally


def lists(stage: Stage) -> Tally:
    """Lists by labels that nobody has, one after the other."""
    tally, until = Tally(), time.monotonic() + stage.scale.lists_s
    with stage.caller("eve") as eve:
        while time.monotonic() < until:
            answer = eve.get("/v1/jobs", params={"label": "nobody:has", "limit": 200})
            tally.check(answer.is_success, f"a list got {answer.status_code}")
    return tally


def files(stage: Stage) -> Tally:
    """More files at once than one key may have under way."""
    tally = Tally()

    def endless(_: int) -> int:
        def body() -> object:
            for _ in range(30):
                yield b"1.0,2.0\n" * 100
                time.sleep(0.05)

        kind = {"Content-Type": "text/csv"}
        with stage.caller("eve") as eve:
            sent = eve.post("/v1/datasets", content=body(), headers=kind)  # type: ignore[arg-type]
        return sent.status_code

    with ThreadPoolExecutor(MANY) as pool:
        found = Counter(pool.map(endless, range(MANY)))
    tally.tried = MANY
    if set(found) - {201, 429} or not found[429]:
        tally.breaches.append(f"files got {dict(found)}")
    return tally


def _long_job(seed: int) -> dict[str, Any]:
    """Return a job that trains until it is cancelled."""
    rows = np.random.default_rng(seed).normal(size=(2, 100, 4))
    rows[1] = np.sin(3 * rows[1])
    source, target = ({"samples": side.tolist()} for side in rows)
    config = {
        "steps": 20_000,
        "critic": "network",
        "constraint": "bjorck",
        "width": 256,
        "folds": 2,  # no early end
        "sample_bounds": False,
    }
    return {"source": source, "target": target, "config": config, "cache": False}


def _opened(
    stage: Stage, start: Callable[[httpx.Client], httpx.Response], code: str
) -> Tally:
    tally = Tally()
    most = SETTINGS["MAX_UPLOADS_PER_KEY"]
    with stage.caller("eve") as eve:
        answers = [start(eve) for _ in range(most + 10)]
        for answer in answers[-10:]:
            tally.expect(answer, 429, code)
        for answer in answers:
            if answer.is_success:
                eve.delete(answer.headers["location"])
    return tally


def _pages(eve: httpx.Client, **params: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = eve.get("/v1/jobs", params={"limit": "200"} | params | cursor).json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _count(eve: httpx.Client) -> int:
    return len(_pages(eve))


def _unfinished(eve: httpx.Client) -> int:
    return sum(len(_pages(eve, status=status)) for status in ("queued", "running"))


def _empty(eve: httpx.Client) -> None:
    """Cancel what waits, so that the next attack begins with an empty queue."""
    for job in [*_pages(eve, status="queued"), *_pages(eve, status="running")]:
        eve.post(f"/v1/jobs/{job['id']}/cancel")


def _ended(eve: httpx.Client, path: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if eve.get(path).json()["status"] not in ("queued", "running"):
            return
        time.sleep(0.1)
