"""`kantor doctor` and `kantor healthcheck`: is everything here that is needed?"""

import platform
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from kantor.service.capacity import GIBIBYTE, usable_cores, usable_memory_bytes
from kantor.service.queue import WorkerFacts
from kantor.service.settings import Settings

Check = Callable[[Settings], str]


def doctor() -> None:
    """Check versions, devices, Redis, the data folder and a short training."""
    settings, console, healthy = Settings(), Console(), True
    for name, check in CHECKS.items():
        try:
            console.print(f"[green]ok[/]    {name}: {check(settings)}")
        except Exception as error:  # noqa: BLE001 - a check may fail in any way
            healthy = False
            console.print(f"[red]wrong[/] {name}: {error}")
    if not healthy:
        raise typer.Exit(1)


def healthcheck(
    url: Annotated[str | None, typer.Option(help="Probe of the API to ask.")] = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="Ask after the worker of this machine.")
    ] = False,
) -> None:
    """Ask whether the API or the worker here lives; for container health checks."""
    if worker:
        from kantor.service.worker.health import check_heard

        print(check_heard(Settings()))
    else:
        print(_probe(url or f"http://127.0.0.1:{Settings().port}/readyz"))


def _probe(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=3.0) as answer:
            return str(answer.read().decode())
    except (OSError, ValueError, HTTPException) as error:
        raise RuntimeError(f"no answer from {address}: {error}") from error


def _versions(settings: Settings) -> str:
    names = ("kantor", "torch", "numpy", "redis", "fastapi")
    found = [f"{name} {version(name)}" for name in names]
    return ", ".join([f"python {platform.python_version()}", *found])


def _devices(settings: Settings) -> str:
    import torch

    memory = _gibibytes(usable_memory_bytes())
    if settings.device != "cpu" and torch.cuda.is_available():
        found = [
            torch.cuda.get_device_properties(i)
            for i in range(torch.cuda.device_count())
        ]
        return ", ".join(f"{gpu.name} {_gibibytes(gpu.total_memory)}" for gpu in found)
    if settings.device == "cuda":
        raise RuntimeError("expected a GPU (KANTOR_DEVICE=cuda), received none")
    return f"no GPU, {usable_cores()} CPU cores, {memory}"


def _workers(settings: Settings) -> str:
    from kantor.service.queue.broker import connect
    from kantor.service.queue.inspection import queue_stats

    if settings.redis_url is None:
        return "those that `kantor serve` starts"
    with connect(settings.redis_url.get_secret_value()) as client:
        stats = queue_stats(client, settings)
    if stats.lost_gpus:
        names = ", ".join(worker.name for worker in stats.lost_gpus)
        raise RuntimeError(f"expected a GPU for each, received none for {names}")
    return ", ".join(_worker(worker) for worker in stats.live_workers) or "none heard"


def _worker(worker: WorkerFacts) -> str:
    memory = _gibibytes(worker.memory_bytes)
    used = _gibibytes(worker.used_bytes)
    return f"{worker.name} on {worker.device or 'unknown'} ({used} of {memory} used)"


def _gibibytes(count: int) -> str:
    return f"{count / GIBIBYTE:.1f} GiB"


def _redis(settings: Settings) -> str:
    from kantor.service.processes.valkey import bundled_binary
    from kantor.service.queue.broker import check_server, connect

    if settings.redis_url is None:
        return f"embedded Valkey, {bundled_binary()}"
    with connect(settings.redis_url.get_secret_value()) as client:
        report = check_server(client)
    return "; ".join([f"version {report.version} answers", *report.warnings])


def _data_dir(settings: Settings) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    probe = settings.data_dir / ".doctor"
    probe.write_bytes(b"x")
    probe.unlink()
    return f"{settings.data_dir} is writable"


def _bucket(settings: Settings) -> str:
    from kantor.service.store import open_bucket

    bucket = open_bucket(settings)
    if bucket is None:
        return "none; the folder is the store"
    bucket.put("doctor", b"x")
    bucket.delete("doctor")
    return f"{settings.bucket_url} is writable"


def _training(settings: Settings) -> str:
    import numpy as np

    from kantor.estimator import EstimateConfig, estimate_w1

    x = np.random.default_rng(0).normal(size=(2, 500, 2))
    found = estimate_w1(x[0], x[1] + 1.0, EstimateConfig(effort="quick", steps=50))
    return f"{found.steps} steps in {found.elapsed_s:.1f} s on {found.device}"


CHECKS: dict[str, Check] = {
    "versions": _versions,
    "devices": _devices,
    "redis": _redis,
    "workers": _workers,
    "data folder": _data_dir,
    "bucket": _bucket,
    "training": _training,
}
