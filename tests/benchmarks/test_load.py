"""The load benchmark: its callers against a server that answers anything; its bars."""

import asyncio
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.callers import Tally, keep_asking, request
from benchmarks.load import Phase, missed

ROOT = Path(__file__).parents[2]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request in two pieces, so that the callers have to join them."""
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(ANSWER[:-2])
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(ANSWER[-2:])


async def load() -> Tally:
    tally = Tally()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    requests = itertools.repeat(request("GET", "/"))
    await keep_asking(port, requests, tally, connections=2, duration_s=0.1)
    server.close()
    return tally


def phase(latency_s: float) -> Phase:
    return Phase({"reads": Tally([latency_s] * 600)}, took_s=1.0, costs_ms=[1.0])


def test_callers_ask_again_when_they_are_answered() -> None:
    tally = asyncio.run(load())
    assert tally.count > 2
    assert tally.refused == 0


def test_a_quantile_is_one_of_the_latencies() -> None:
    tally = Tally([0.001 * i for i in range(1, 101)])
    assert (tally.quantile_ms(0.5), tally.quantile_ms(1.0)) == (50.0, 100.0)


def test_every_bar_counts() -> None:
    assert missed([phase(0.01)], 100, 100, 10.0) == []
    found = missed([phase(0.2)], 99, 100, 70.0)
    assert [word in " ".join(found) for word in ("99 of", "70 MiB", "p99")] == [
        True
    ] * 3


@pytest.mark.slow
def test_prints_a_row_for_each_load() -> None:
    command = [sys.executable, "-m", "benchmarks.load", "--processes", "1"]
    run = subprocess.run(
        [*command, "--seconds", "0.5", "--streams", "3"],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=120,
    )  # fmt: skip
    rows = [line for line in run.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 4
    assert "3 of 3 event streams" in run.stdout
