import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from kantor.service.cli.demonstration import free_port
from kantor.service.processes.tether import tethered
from kantor.service.processes.valkey import EmbeddedValkey, bundled_binary
from kantor.service.queue.broker import BrokerUnsuitable, check_server, connect


class ReportingServer:
    """Answer INFO with what a differently configured server would say."""

    def __init__(self, **changes: object) -> None:
        self._info = {
            "redis_version": "7.2.4",
            "maxmemory_policy": "noeviction",
            "aof_enabled": 1,
        } | changes

    def info(self) -> dict[str, Any]:
        return self._info


def check(**changes: object) -> list[str]:
    server: Any = ReportingServer(**changes)
    return check_server(server).warnings


def test_the_embedded_server_is_suitable(client: redis.Redis) -> None:
    assert check_server(client).warnings == []


@pytest.mark.parametrize("version", ["5.0.14", "6.0.20"])
def test_a_server_before_6_2_is_refused(version: str) -> None:
    with pytest.raises(BrokerUnsuitable, match=f">= 6.2 .* received version {version}"):
        check(redis_version=version)


def test_an_evicting_server_is_warned_about() -> None:
    assert "noeviction" in check(maxmemory_policy="allkeys-lru")[0]


def test_a_server_without_aof_is_warned_about() -> None:
    assert "appendonly" in check(aof_enabled=0)[0]


def test_a_worker_client_fails_at_once_when_the_server_is_away() -> None:
    with connect("unix:///nowhere.sock") as away, pytest.raises(redis.ConnectionError):
        away.ping()


def test_clients_speak_text(valkey: EmbeddedValkey, prefix: str) -> None:
    with connect(valkey.url) as client:
        client.set(prefix, "é", ex=5)
        assert client.get(prefix) == "é"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"redis_mode": "sentinel"}, "received a Sentinel"),
        ({"server_mode": "sentinel"}, "received a Sentinel"),
        ({"redis_mode": "cluster"}, "received a node of a Redis Cluster"),
        ({"cluster_enabled": 1}, "received a node of a Redis Cluster"),
    ],
)
def test_a_server_that_is_not_one_by_itself_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BrokerUnsuitable, match=reason):
        check(**changes)


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """Run a server that is not one by itself; yield its URL."""
    port = free_port()
    (folder / "server.conf").write_text(f"port {port}\ndir {folder}\n")
    binary = os.environ.get("KANTOR_TEST_SERVER") or str(bundled_binary())
    command = [binary, str(folder / "server.conf"), *options]
    with subprocess.Popen(tethered(command), stdout=subprocess.DEVNULL) as process:
        try:
            await_answer(f"redis://127.0.0.1:{port}")
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()


def await_answer(url: str) -> None:
    deadline = time.monotonic() + 30.0
    with connect(url) as client:
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--sentinel"], "received a Sentinel"),
        (["--cluster-enabled", "yes"], "received a node of a Redis Cluster"),
    ],
)
def test_a_real_one_is_refused_whatever_database_is_named(
    tmp_path: Path, options: list[str], reason: str
) -> None:
    with server(tmp_path, *options) as url:
        for number, expected in (("", reason), ("/1", "a database 1, .* Sentinels")):
            with connect(url + number) as client, pytest.raises(BrokerUnsuitable) as e:
                check_server(client)
            e.match(expected)


def test_a_database_that_the_server_has_not_is_refused(valkey: EmbeddedValkey) -> None:
    with (
        connect(f"{valkey.url}?db=99") as client,
        pytest.raises(BrokerUnsuitable, match="expected a server with a database 99"),
    ):
        check_server(client)
