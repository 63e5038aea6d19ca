"""Run trials on several processes; keep what they find; never run one twice.

Each trial leaves `<name>.json`, with its arguments, figures and processor seconds, and
`<name>.safetensors` with its arrays. The JSON file comes last and by renaming, so that
where it lies the trial is whole.
"""

import json
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from benchmarks.paper.trials import Outcome, Outcomes, Trial
from benchmarks.tables import machine, tell


@dataclass(frozen=True)
class Task:
    """A trial and where its outcome is kept."""

    experiment: str
    trial: Trial
    path: Path

    @property
    def label(self) -> str:
        """Name for a reader."""
        return f"{self.experiment} {self.trial.name}"


def run_all(tasks: list[Task], *, jobs: int) -> bool:
    """Run what has no outcome yet; tell of each; true if none failed.

    Args:
        tasks: What shall have an outcome.
        jobs: Processes, of one thread each.
    """
    pending = [task for task in tasks if not is_done(task)]
    tell(f"{len(tasks) - len(pending)} of {len(tasks)} trials are there already")
    started, failed = time.perf_counter(), 0
    for count, (task, error) in enumerate(_finished(pending, jobs), start=1):
        elapsed_s = time.perf_counter() - started
        left = f"{elapsed_s * (len(pending) - count) / count / 60:.0f} min left"
        if error is None:
            tell(f"[{count}/{len(pending)}] {task.label}: {spent(task)}, about {left}")
        else:
            failed += 1
            tell(f"[{count}/{len(pending)}] {task.label} FAILED:\n{error}")
    return failed == 0


def _finished(tasks: list[Task], jobs: int) -> Iterator[tuple[Task, str | None]]:
    """Yield tasks as they end, with what went wrong."""
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=use_one_thread
    )
    with pool:
        futures: dict[Future[str | None], Task] = {
            pool.submit(perform, task): task for task in tasks
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def use_one_thread() -> None:
    """Leave the other cores to the other processes."""
    import torch

    torch.set_num_threads(1)


def perform(task: Task) -> str | None:
    """Run one trial and keep its outcome; return the traceback if it fails."""
    started, processor = time.perf_counter(), time.process_time()
    try:
        outcome = task.trial.run(**task.trial.arguments)
    except Exception:  # noqa: BLE001  # other trials go on; the caller tells of it
        return traceback.format_exc()
    record = {
        "arguments": task.trial.arguments,
        "figures": outcome.figures,
        "elapsed_s": round(time.perf_counter() - started, 2),
        "processor_s": round(time.process_time() - processor, 2),
        "machine": machine(),
    }
    keep(task.path, outcome, record)
    return None


def keep(path: Path, outcome: Outcome, record: dict[str, Any]) -> None:
    """Write arrays, then the record; only a whole record gets its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.ascontiguousarray(a) for name, a in outcome.arrays.items()}
    save_file(arrays, path.with_suffix(".safetensors"))
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(record, indent=1))
    unfinished.replace(path)


def is_done(task: Task) -> bool:
    """Tell whether an outcome was kept, found with the same arguments."""
    if not task.path.exists():
        return False
    wanted = json.loads(json.dumps(task.trial.arguments))
    return bool(json.loads(task.path.read_text())["arguments"] == wanted)


def spent(task: Task) -> str:
    """Say how long a trial took."""
    record = json.loads(task.path.read_text())
    return f"{record['elapsed_s']:.0f} s ({record['processor_s']:.0f} s of a processor)"


def processor_s(tasks: list[Task]) -> float:
    """Return the processor seconds of trials that are done."""
    done = (json.loads(t.path.read_text()) for t in tasks if is_done(t))
    return sum(float(record["processor_s"]) for record in done)


def outcomes(tasks: list[Task]) -> Outcomes:
    """Read what was kept, by the trials' names."""
    found = {}
    for task in tasks:
        arrays = load_file(task.path.with_suffix(".safetensors"))
        figures = json.loads(task.path.read_text())["figures"]
        found[task.trial.name] = Outcome(figures, arrays)
    return found
