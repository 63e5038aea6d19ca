"""Run the whole service under steady load and watch what it holds on to.

`python -m tests.chaos.soak --minutes 30`: resident memory and open files of every
process, and the number of Redis keys, early against late. Results live for seconds, so
that a key or a file that is not given back shows.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from kantor.service.queue.broker import connect

PERIOD_S = 0.1
SAMPLE_EVERY_S = 5.0
WARM_UP = 0.3
"""Part of the run after which memory must be flat."""
GROWTH = 1.05
PARTS = {
    "api": "kantor.service.cli\0api",
    "worker": "kantor.service.cli\0worker",
    "valkey": "valkey",
}
SLACK = {"rss_mib": 8.0, "files": 6.0, "keys": 60.0}
PROGRAM = """
from kantor.service.settings import Settings
from kantor.service.processes.supervisor import serve
serve(Settings(), on_ready=lambda url: print(url, flush=True))
"""

Series = dict[str, list[float]]


@contextmanager
def service(folder: Path) -> Iterator[tuple[str, int]]:
    """Run the service; yield its URL and process id."""
    short = {"RESULT_TTL_S": "20", "EVENT_TTL_S": "20", "LOG_LEVEL": "warning"}
    variables = {f"KANTOR_{name}": value for name, value in short.items()}
    variables |= {"KANTOR_DATA_DIR": str(folder), "KANTOR_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | variables | {"KANTOR_WORKERS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def carry_out(client: httpx.Client, number: int) -> None:
    """Submit a tiny job with samples of its own and wait until it has ended."""
    rows = [[(number * 7 + i) % 101 / 101, i / 40] for i in range(40)]
    side = {"samples": rows}
    config = {"steps": 5, "seed": number, "effort": "quick"}
    body = {"source": side, "target": side, "config": config}
    job = client.post("/v1/jobs", json=body).raise_for_status().json()
    while job["status"] in ("queued", "running"):
        time.sleep(PERIOD_S)
        job = client.get(f"/v1/jobs/{job['id']}").raise_for_status().json()


def measure(pid: int, folder: Path) -> dict[str, float]:
    """Return memory and open files by process, and the number of keys."""
    figures: dict[str, float] = {}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in [str(pid), *children]:
        command = Path(f"/proc/{child}/cmdline").read_bytes().decode()
        label = next((name for name, part in PARTS.items() if part in command), "serve")
        pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
        figures[f"rss_mib {label}"] = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        figures[f"files {label}"] = len(list(Path(f"/proc/{child}/fd").iterdir()))
    with connect(f"unix://{folder / 'valkey' / 'valkey.sock'}") as server:
        figures["keys redis"] = float(str(server.dbsize()))
    return figures


def load(url: str, pid: int, folder: Path, duration_s: float) -> Series:
    """Submit steadily and sample."""
    series: Series = defaultdict(list)
    started = time.monotonic()
    next_sample = started
    number = 0
    with httpx.Client(base_url=url, timeout=30.0) as client:
        while (now := time.monotonic()) - started < duration_s:
            carry_out(client, number)
            number += 1
            if now >= next_sample:
                next_sample = now + SAMPLE_EVERY_S
                for name, value in measure(pid, folder).items():
                    series[name].append(value)
    sys.stdout.write(f"{number} jobs in {duration_s:.0f} s\n")
    return series


def growth(series: Series) -> dict[str, tuple[float, float, bool]]:
    """Return for each figure its early and late mean, and whether it is flat."""
    verdicts = {}
    for name, values in series.items():
        after = values[int(len(values) * WARM_UP) :]
        third = max(1, len(after) // 3)
        early, late = sum(after[:third]) / third, sum(after[-third:]) / third
        flat = late <= early * GROWTH + SLACK[name.split()[0]]
        verdicts[name] = (early, late, flat)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="kantor-soak-") as name:
        folder = Path(name)
        with service(folder) as (url, pid):
            verdicts = growth(load(url, pid, folder, 60 * minutes))
    for name, (early, late, flat) in verdicts.items():
        word = "flat" if flat else "GROWS"
        sys.stdout.write(f"{name:20} {early:8.1f} -> {late:8.1f}  {word}\n")
    return 0 if all(flat for _, _, flat in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
