"""What the HTTP API carries: `python -m benchmarks.load --processes 2`.

Starts Valkey and `kantor api` on this machine, opens event streams, and keeps a number
of connections busy with job submissions by reference, with status reads, and with both
at once; then uploads 100 MB. No worker runs: all is the API's work. Processor time is
told beside the throughput, because the callers share the cores with the server. Exits
with 1 where a bar is missed.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvloop

from benchmarks.callers import EventStream, Tally, keep_asking, request
from benchmarks.tables import machine, print_table, tell
from benchmarks.usage import family, memory_mib, processor_s, reset_peak
from kantor.service.cli.demonstration import free_port, wait_until_ready
from kantor.service.client import KantorClient
from kantor.service.processes.tether import tethered
from kantor.service.processes.valkey import EmbeddedValkey

SUBMISSIONS_PER_S, READS_PER_S, P99_MS = 300.0, 500.0, 150.0
SUBMITTERS, READERS = 6, 10
UPLOAD_ROWS, UPLOAD_DIM = 100_000, 125  # of 8 bytes each: 100 MB
UPLOAD_MIB = 64.0
STREAM_END_S = 10.0
HEADER = [
    "requests", "per s", "p50 ms", "p99 ms", "API ms", "Valkey ms", "callers ms"
]  # fmt: skip


@dataclass(frozen=True)
class Server:
    """The server under load."""

    port: int
    api_pid: int
    valkey_pid: int
    client: KantorClient


@dataclass(frozen=True)
class Load:
    """Requests of one kind, taken in turns by a number of connections."""

    requests: Iterator[bytes]
    connections: int


@dataclass(frozen=True)
class Phase:
    """What some kinds of load gave; processor milliseconds are those of one request."""

    tallies: dict[str, Tally]
    took_s: float
    costs_ms: list[float]

    def per_s(self, kind: str) -> float:
        """Return the requests of one kind in a second."""
        return self.tallies[kind].count / self.took_s

    def rows(self) -> Iterator[list[str]]:
        """Yield a row of the table for each kind of request."""
        for kind, tally in self.tallies.items():
            quantiles = (tally.quantile_ms(share) for share in (0.5, 0.99))
            yield [
                f"{kind}, together" if len(self.tallies) > 1 else kind,
                f"{self.per_s(kind):.0f}",
                *(f"{value:.1f}" for value in quantiles),
                *(f"{cost:.2f}" for cost in self.costs_ms),
            ]


@contextmanager
def serving(folder: Path, processes: int) -> Iterator[Server]:
    """Run Valkey and the API."""
    port, log = free_port(), folder / "api.log"
    with EmbeddedValkey(folder / "valkey") as valkey, log.open("wb") as lines:
        variables = {
            "KANTOR_DATA_DIR": str(folder),
            "KANTOR_REDIS_URL": valkey.url,
            "KANTOR_PORT": str(port),
            "KANTOR_MAX_QUEUED": "10000000",
            "KANTOR_API_PROCESSES": str(processes),
        }
        process = subprocess.Popen(
            tethered([sys.executable, "-m", "kantor.service.cli", "api"]),
            env=os.environ | variables,
            stderr=lines,
        )
        assert valkey.pid is not None
        try:
            with KantorClient(f"http://127.0.0.1:{port}") as client:
                wait_until_ready(client, process, log)
                yield Server(port, process.pid, valkey.pid, client)
        finally:
            process.terminate()
            process.wait()


def first_job(server: Server) -> Any:
    """Upload samples; return the request of a job that refers to them."""
    x, y = np.random.default_rng(0).normal(size=(2, 100, 2))
    job = server.client.submit(x, y)
    sides = {side: {"dataset": job[side]["dataset"]} for side in ("source", "target")}
    return sides | {"config": {"seed": 1}}


def submit(server: Server, document: Any) -> str:
    """Submit a job; return its id."""
    answer = httpx.post(f"{server.client.base_url}/v1/jobs", json=document)
    return str(answer.raise_for_status().json()["id"])


async def measured(server: Server, seconds: float, **loads: Load) -> Phase:
    """Load the server with several kinds of requests at the same time."""
    tell(" and ".join(loads), "...")
    tallies = {kind: Tally() for kind in loads}
    started, before = time.perf_counter(), _processor_s(server)
    async with asyncio.TaskGroup() as group:
        for kind, load in loads.items():
            callers = keep_asking(
                server.port,
                load.requests,
                tallies[kind],
                connections=load.connections,
                duration_s=seconds,
            )
            group.create_task(callers)
    took_s, after = time.perf_counter() - started, _processor_s(server)
    total = sum(tally.count for tally in tallies.values())
    costs_ms = [1e3 * (b - a) / total for a, b in zip(before, after, strict=True)]
    return Phase(tallies, took_s, costs_ms)


def _processor_s(server: Server) -> list[float]:
    """Return the processor time so far of the API, of Valkey, and of the callers."""
    api = processor_s(family(server.api_pid))
    return [api, processor_s([server.valkey_pid]), time.process_time()]


async def load(
    server: Server, followed: list[str], document: Any, seconds: float
) -> tuple[list[Phase], int]:
    """Load the server while jobs are followed; return how many streams lived on."""
    streams = [await EventStream.open(server.port, job_id) for job_id in followed]
    reads = itertools.cycle(request("GET", f"/v1/jobs/{i}") for i in followed)
    submissions = itertools.repeat(request("POST", "/v1/jobs", document))
    writing, reading = Load(submissions, SUBMITTERS), Load(reads, READERS)
    phases = [
        await measured(server, seconds, submissions=writing),
        await measured(server, seconds, reads=reading),
        await measured(server, seconds, submissions=writing, reads=reading),
    ]
    await asyncio.to_thread(cancel_all, server, followed)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STREAM_END_S):
            await asyncio.gather(*(stream.end() for stream in streams))
    return phases, sum(stream.has("cancelled") for stream in streams)


def cancel_all(server: Server, job_ids: list[str]) -> None:
    """Cancel jobs; those who follow them are told."""
    for job_id in job_ids:
        server.client.cancel(job_id)


def upload_growth_mib(server: Server) -> float:
    """Upload 100 MB; return by how much the memory of an API process grew at most."""
    tell("upload ...")
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(UPLOAD_ROWS, UPLOAD_DIM))
    processes = family(server.api_pid)
    before = {pid: memory_mib(pid)[0] for pid in processes}
    for pid in processes:
        reset_peak(pid)
    server.client.upload_dataset(samples)
    return max(memory_mib(pid)[1] - before[pid] for pid in processes)


def missed(phases: list[Phase], alive: int, streams: int, growth: float) -> list[str]:
    """Return the bars that were missed, each with what was found."""
    least = {"submissions": SUBMISSIONS_PER_S, "reads": READS_PER_S}
    bars = {f"{alive} of {streams} streams told of the end": alive == streams}
    bars[f"{growth:.0f} MiB for 100 MB"] = growth < UPLOAD_MIB
    for phase in phases:
        for kind, tally in phase.tallies.items():
            rate, p99 = phase.per_s(kind), tally.quantile_ms(0.99)
            bars[f"{rate:.0f} {kind} a second"] = rate >= least[kind]
            bars[f"{kind}: p99 {p99:.0f} ms"] = p99 < P99_MS
            bars[f"{kind}: {tally.refused} refused"] = tally.refused == 0
    return [found for found, reached in bars.items() if not reached]


def main() -> int:
    """Print the table; tell by the exit status whether every bar was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2, help="of the API")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--streams", type=int, default=100, help="jobs followed")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kantor-load-") as folder,
        serving(Path(folder), options.processes) as server,
    ):
        document = first_job(server)
        followed = [submit(server, document) for _ in range(options.streams)]
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        with runner:
            loading = load(server, followed, document, options.seconds)
            phases, alive = runner.run(loading)
        growth = upload_growth_mib(server)
    print(f"{machine()}; {vars(options)}\n")
    print_table(HEADER, [row for phase in phases for row in phase.rows()])
    print(f"\n{alive} of {len(followed)} event streams were told of the end.")
    print(f"A 100 MB upload took {growth:.0f} MiB of the API's memory.")
    for found in missed(phases, alive, options.streams, growth):
        print(f"MISSED: {found}")
    return 1 if missed(phases, alive, options.streams, growth) else 0


if __name__ == "__main__":
    sys.exit(main())
