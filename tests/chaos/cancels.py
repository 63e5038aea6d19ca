"""Cancel a thousand jobs at random moments: `python -m tests.chaos.cancels`."""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kantor.service.queue import JobBoard, JobEvent, NewJob, SampleRef
from kantor.service.queue.broker import connect_async
from kantor.service.store import DatasetStore
from tests.chaos.harness import Chaos, Plan

CANCELS = 1000
PARALLEL = 24
LIMIT_S = 2.0
NO_FAULTS = Plan(worker_kills=0, worker_stops=0, server_kills=0, cuts=0, delays=0)


@dataclass(frozen=True)
class Cancelled:
    """How one job ended, and how long a running one took to stop."""

    status: str
    took_s: float | None


async def cancel_one(board: JobBoard, side: SampleRef, delay_s: float) -> Cancelled:
    """Submit a job of a second, cancel it after the delay, follow it to its end."""
    job = NewJob(source=side, target=side, config={"steps": 100})
    await board.enqueue(job)
    await asyncio.sleep(delay_s)
    await board.cancel(job.id)
    events = [event async for event in board.events(job.id)]
    return Cancelled(events[-1].type, stopping_time(events))


def stopping_time(events: list[JobEvent]) -> float | None:
    """Return the time from the request to the end, by the server's clock."""
    asked = [event.at for event in events if event.type == "cancelling"]
    return events[-1].at - asked[0] if asked else None


async def cancel_many(chaos: Chaos, number: int) -> list[Cancelled]:
    """Cancel many jobs, some while queued, some while running, some too late."""
    draw, gate = random.Random(chaos.plan.seed), asyncio.Semaphore(PARALLEL)
    dataset = DatasetStore(chaos.settings.data_dir).put_array(np.ones((40, 1)))
    side = SampleRef(dataset.id, 40, 1)

    async with connect_async(chaos.valkey.url) as client:
        board = JobBoard(client, chaos.settings)

        async def one(delay_s: float) -> Cancelled:
            async with gate:
                return await cancel_one(board, side, delay_s)

        delays = [draw.uniform(0.0, 6.0) for _ in range(number)]
        return await asyncio.gather(*(one(delay_s) for delay_s in delays))


def run(number: int, folder: Path) -> list[Cancelled]:
    """Run workers without faults while jobs are cancelled."""
    chaos = Chaos(NO_FAULTS, folder)
    with chaos.running():
        return asyncio.run(cancel_many(chaos, number))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kantor-cancels-") as folder:
        cancelled = run(CANCELS, Path(folder))
    ends = Counter(c.status for c in cancelled)
    took = sorted(c.took_s for c in cancelled if c.took_s is not None)
    median, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    sys.stdout.write(
        f"{len(cancelled)} cancels: {ends}\n"
        f"{len(took)} of them while running, stopped within: "
        f"median {median:.2f} s, p99 {p99:.2f} s, longest {took[-1]:.2f} s\n"
    )
    ended = ends["cancelled"] + ends["succeeded"]
    return 0 if ended == CANCELS and took[-1] < LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
