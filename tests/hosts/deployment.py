"""Kantor on two hosts that share one Valkey and one bucket, and no folder.

Each host runs `kantor api` and `kantor workers` with a data folder of its own. Valkey
and the S3 server run on this machine, at the bridge, where both hosts reach them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kantor.service.api_keys import digest_of
from kantor.service.cli.demonstration import wait_until_ready
from kantor.service.client import KantorClient, Retries
from kantor.service.processes.tether import tethered
from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue.broker import connect
from kantor.service.settings import Settings, environment
from tests.hosts.network import Host, Network
from tests.service.buckets import bucket_made, serving_s3

KEY = "kt_a_key_of_both_hosts"
API_PORT = 8000
VALKEY_PORT = 6379
PATIENCE_S = 30.0
ONE_TRY = Retries(attempts=1)


class Deployment:
    """What runs on the hosts of a network.

    Attributes:
        settings: Of the queue and the bucket, as seen from this machine.
        clients: One for the API of each host.
    """

    def __init__(self, network: Network, folder: Path, s3_program: str) -> None:
        self.clients: dict[str, KantorClient] = {}
        self.settings = Settings()
        self._network = network
        self._folder = folder
        self._s3_program = s3_program
        self._processes: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run everything; every process is gone afterwards."""
        with (
            EmbeddedValkey(self._folder / "valkey") as valkey,
            serving_s3(self._s3_program, self._network.address) as endpoint,
        ):
            _listen(valkey, self._network.address)
            queue = {"redis_url": f"redis://{self._network.address}:{VALKEY_PORT}"}
            given = queue | bucket_made(endpoint) | {"data_dir": self._folder / "here"}
            self.settings = Settings.model_validate(given)
            try:
                for host in self._network.hosts.values():
                    self._start(host)
                yield
            finally:
                self._end()

    def lines(self, host: str) -> list[dict[str, Any]]:
        """Return what the workers of a host have logged, one by one."""
        text = self._log(host, "workers").read_text(errors="replace")
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    def _start(self, host: Host) -> None:
        own = self.settings.model_copy(
            update={
                "data_dir": self._folder / host.name,
                "host": host.address,
                "port": API_PORT,
                "workers": 1,
                "worker_threads": 1,
            }
        )
        variables = _without_ours() | environment(own)
        variables["KANTOR_API_KEYS"] = json.dumps({"ada": digest_of(KEY)})
        for role in ("api", "workers"):
            command = [sys.executable, "-P", "-m", "kantor.service.cli", role]
            with self._log(host.name, role).open("wb") as log:
                process = subprocess.Popen(
                    tethered(host.command(command)), env=variables, stderr=log
                )
            self._processes.append(process)
        url = f"http://{host.address}:{API_PORT}"
        client = KantorClient(url, api_key=KEY, retries=ONE_TRY)
        wait_until_ready(client, self._processes[-2], self._log(host.name, "api"))
        self.clients[host.name] = client

    def _log(self, host: str, role: str) -> Path:
        return self._folder / f"{host}-{role}.log"

    def _end(self) -> None:
        for client in self.clients.values():
            client.close()
        for host in self._network.hosts.values():
            host.kill()
        for process in self._processes:
            process.wait(PATIENCE_S)


def _listen(valkey: EmbeddedValkey, address: str) -> None:
    """Let a server take connections from the hosts, too."""
    with connect(valkey.url) as client:
        client.config_set("protected-mode", "no")
        client.config_set("bind", address)
        client.config_set("port", VALKEY_PORT)


def _without_ours() -> dict[str, str]:
    known = {n: v for n, v in os.environ.items() if not n.startswith("KANTOR_")}
    return known | {"OMP_NUM_THREADS": "1"}
