"""The whole service as processes: start, restart, end."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis

from kantor.service.api_keys import digest_of
from kantor.service.client import KantorClient
from kantor.service.processes.supervisor import DataDirTaken, serve
from kantor.service.queue.broker import connect
from kantor.service.settings import Settings

PATIENCE_S = 60.0
PROGRAM = """
from kantor.service.settings import Settings
from kantor.service.processes.supervisor import serve
serve(Settings(), on_ready=lambda url: print(url, flush=True))
"""


class Service:
    """`kantor serve` on a free port, with one worker."""

    def __init__(
        self, folder: Path, *, cwd: Path | None = None, **variables: str
    ) -> None:
        self.folder = folder
        self._cwd = cwd
        self._variables = variables
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it and return its URL once it is ready."""
        environment = os.environ | {
            "KANTOR_DATA_DIR": str(self.folder),
            "KANTOR_PORT": "0",
            "KANTOR_WORKERS": "1",
            "KANTOR_WORKER_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            cwd=self._cwd,
            env=environment | self._variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; return its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        assert self._process.stdout is not None
        self._process.stdout.close()
        code = self._process.wait(PATIENCE_S)
        self._process = None
        return code

    def kill_all(self) -> None:
        """Kill every process at once: nobody can tidy up."""
        assert self._process is not None
        for pid in [self._process.pid, *self.children()]:
            os.kill(pid, signal.SIGKILL)
        self.stop(signal.SIGKILL)

    def children(self) -> dict[int, str]:
        """Return process id and command line of each child."""
        assert self._process is not None
        task = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        commands = {}
        for pid in task.read_text().split():
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            commands[int(pid)] = line.replace(b"\0", b" ").decode()
        return commands

    def child(self, word: str) -> int | None:
        """Return the child whose command line holds a word."""
        found = self.all_children(word)
        return found[0] if found else None

    def all_children(self, word: str) -> list[int]:
        """Return every child whose command line holds a word."""
        return [pid for pid, line in self.children().items() if word in line]

    def connect(self) -> redis.Redis:
        return connect(f"unix://{self.folder / 'valkey' / 'valkey.sock'}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "data")
    yield service
    service.stop(signal.SIGKILL)


@pytest.fixture
def broad_service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "data", KANTOR_API_PROCESSES="2")
    yield service
    service.stop(signal.SIGKILL)


def status_of(url: str, key: str | None = None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, OSError):
        return 0


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "processes are left behind"
        time.sleep(0.05)


def test_it_becomes_ready_and_ends_cleanly(service: Service) -> None:
    url = service.start()
    pids = list(service.children())
    assert len(pids) == 3
    assert status_of(f"{url}/readyz") == 200
    assert service.stop(signal.SIGINT) == 0
    wait_until_gone(pids)


def test_a_killed_child_is_started_again(service: Service) -> None:
    url = service.start()
    killed = service.child("kantor.service.cli api")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while service.child("kantor.service.cli api") in (None, killed):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while status_of(f"{url}/healthz") != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_is_left_of_a_killed_service(service: Service) -> None:
    service.start()
    pids = list(service.children())
    service.stop(signal.SIGKILL)
    wait_until_gone(pids)


def test_what_is_queued_survives_a_restart(service: Service) -> None:
    service.start()
    with service.connect() as client:
        client.set("written", "before")
    service.stop()
    service.start()
    with service.connect() as client:
        assert client.get("written") == "before"


@pytest.mark.slow
def test_jobs_survive_the_death_of_every_process(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", KANTOR_LEASE_S="2", KANTOR_HEARTBEAT_S="0.5")
    samples = np.random.default_rng(0).normal(size=(2, 50, 2))
    configs = [{"seed": seed, "steps": 1000} for seed in range(3)]
    try:
        with KantorClient(service.start()) as client:
            jobs = [client.submit(*samples, config=config) for config in configs]
            assert client.job(jobs[-1]["id"])["status"] == "queued"
        service.kill_all()
        with KantorClient(service.start()) as client:
            ends = [client.wait(job["id"], timeout_s=PATIENCE_S) for job in jobs]
        assert [end["status"] for end in ends] == ["succeeded"] * 3
    finally:
        service.stop(signal.SIGKILL)


def test_a_data_folder_serves_one(service: Service) -> None:
    service.start()
    settings = Settings(data_dir=service.folder, port=0)
    with pytest.raises(DataDirTaken, match=r"which process [0-9]+ uses"):
        serve(settings)


def test_api_processes_stand_in_for_one_another(broad_service: Service) -> None:
    url = broad_service.start()
    killed, other = broad_service.all_children("kantor.service.cli api")
    os.kill(killed, signal.SIGKILL)
    assert {status_of(f"{url}/healthz") for _ in range(20)} == {200}
    assert other in broad_service.children()


@pytest.fixture
def guarded_service(tmp_path: Path) -> Iterator[Service]:
    keys = json.dumps({"ann": hashlib.sha256(b"open sesame").hexdigest()})
    service = Service(tmp_path / "data", KANTOR_API_KEYS=keys, KANTOR_API_PROCESSES="2")
    yield service
    service.stop(signal.SIGKILL)


def test_an_api_key_is_taken_by_every_process(guarded_service: Service) -> None:
    jobs = f"{guarded_service.start()}/v1/jobs"
    assert {status_of(jobs, "open sesame") for _ in range(20)} == {200}
    assert {status_of(jobs, "open sesam") for _ in range(5)} == {401}


def test_every_process_takes_new_keys_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(json.dumps({"ann": digest_of("old")}))
    service = Service(
        tmp_path / "data", KANTOR_API_KEYS_FILE=str(path), KANTOR_API_PROCESSES="2"
    )
    try:
        jobs = f"{service.start()}/v1/jobs"
        path.write_text(json.dumps({"ann": [digest_of("old"), digest_of("new")]}))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if {status_of(jobs, "new") for _ in range(20)} == {200}:
                break
        assert {status_of(jobs, key) for key in ("old", "new")} == {200}
    finally:
        service.stop(signal.SIGKILL)


def test_modules_where_it_is_started_stand_in_for_none_of_ours(tmp_path: Path) -> None:
    for name in ("redis", "fastapi", "models", "service"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of the user')\n")
    service = Service(tmp_path / "data", cwd=tmp_path)
    try:
        assert status_of(f"{service.start()}/readyz") == 200
    finally:
        service.stop(signal.SIGKILL)
