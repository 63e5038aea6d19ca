"""The demonstration: handwritten digits through the whole service, over HTTP.

Two questions with known answers: do the digits 0-4 differ from 5-9 (they do), and do
two random halves of all digits differ (they do not, although the exact distance between
the samples is far from zero)? Both are answered beside that exact plug-in distance.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from kantor.estimator.display.words import verdict
from kantor.service.cli.following import watch
from kantor.service.client import KantorClient, KantorError
from kantor.service.processes.tether import tethered

Array = NDArray[np.float64]

START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Question:
    """Two samples, and whether they come from different distributions."""

    name: str
    slug: str
    source: Array
    target: Array
    differs: bool


def questions() -> list[Question]:
    """Return both questions about scikit-learn's handwritten digits (64 pixels)."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    half = len(images) // 2
    low, high = images[labels < 5], images[labels >= 5]
    first, second = images[order[:half]], images[order[half:]]
    return [
        Question("digits 0-4 against digits 5-9", "digits", low, high, True),
        Question("two random halves of all digits", "halves", first, second, False),
    ]


def run_demo(out: Path) -> bool:
    """Ask both questions of a service started for it; true if the answers are right.

    Args:
        out: Folder for the training curves (png, svg).
    """
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kantor-demo-") as folder:
        console.print("Starting the service: Valkey, API, one worker ...")
        with running_service(Path(folder)) as client:
            results = [ask(client, q, out, console) for q in questions()]
    console.print(summary(results))
    for question, result, _ in results:
        console.print(f"[bold]{question.name}[/]: {verdict(result)}")
    console.print(
        "The exact distance between the samples is large both times: in 64 dimensions "
        "it is mostly sampling error. The certified lower bound is not."
    )
    console.print(f"Pictures: {out}/digits.png, {out}/halves.png")
    return all((result["lower_bound"] > 0) == q.differs for q, result, _ in results)


@contextmanager
def running_service(folder: Path) -> Iterator[KantorClient]:
    """Run `kantor serve` on a free port of this machine, and stop it at the end."""
    port = free_port()
    log = (folder / "serve.log").open("wb")
    command = [sys.executable, "-P", "-m", "kantor.service.cli", "serve"]
    options = ["--port", str(port), "--data-dir", str(folder / "data")]
    process = subprocess.Popen(
        tethered([*command, *options, "--workers", "1"]),
        stdout=log,
        stderr=log,
        env={k: v for k, v in os.environ.items() if not k.startswith("KANTOR_")},
    )
    try:
        with KantorClient(f"http://127.0.0.1:{port}") as client:
            wait_until_ready(client, process, folder / "serve.log")
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60.0)
        log.close()


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until_ready(
    client: KantorClient, process: subprocess.Popen[bytes], log: Path
) -> None:
    """Wait until the service takes jobs.

    Raises:
        RuntimeError: It ended, or is not ready in time; carries the end of its log.
    """
    until = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < until:
        try:
            client.ready()
        except KantorError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the service did not start:\n{log.read_text()[-2000:]}")


def ask(
    client: KantorClient, question: Question, out: Path, console: Console
) -> tuple[Question, dict[str, Any], float]:
    """Submit one question, follow it live, and fetch its pictures."""
    console.print(f"\n[bold]{question.name}[/]")
    job = client.submit(question.source, question.target)
    console.print(f"queued as {job.id}")
    watch(job)
    result = job.result.to_dict()
    for form in ("png", "svg"):
        (out / f"{question.slug}.{form}").write_bytes(job.curve(form))
    console.print(
        f"estimate {result['estimate']:.4g} ± {result['standard_error']:.2g} after "
        f"{result['steps']} steps, {result['elapsed_s']:.1f} s"
    )
    return question, result, plug_in_distance(question.source, question.target)


def plug_in_distance(x: Array, y: Array) -> float:
    """Return the exact W1 between the two samples, as POT computes it."""
    import ot

    return float(ot.emd2([], [], ot.dist(x, y, metric="euclidean")))


def summary(results: list[tuple[Question, dict[str, Any], float]]) -> Table:
    """Lay the answers side by side."""
    table = Table(title="W1, in units of the pixels", title_justify="left")
    for column in ("", "estimate", "lower bound (95 %)", "p-value", "exact plug-in"):
        table.add_column(column, justify="left" if not column else "right")
    for question, result, exact in results:
        table.add_row(
            question.name,
            f"{result['estimate']:.3f} ± {result['standard_error']:.3f}",
            f"{result['lower_bound']:.3f}",
            f"{result['p_value']:.2g}",
            f"{exact:.3f}",
        )
    return table
