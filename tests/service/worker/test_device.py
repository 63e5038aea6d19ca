import json
import os
import subprocess
import sys

import pytest
import redis

from kantor.service.queue import LeaseQueue
from kantor.service.queue.inspection import queue_stats
from kantor.service.settings import Settings, environment
from kantor.service.worker.device import Device, GpuMissing
from kantor.service.worker.process import open_device


def on(settings: Settings, device: str) -> Settings:
    return settings.model_copy(update={"device": device})


def test_a_cpu_has_a_name_and_memory(settings: Settings) -> None:
    facts = Device(on(settings, "auto")).facts()
    assert facts["device"] == "cpu"
    assert 0 < facts["used_bytes"] < facts["memory_bytes"]


def test_without_a_gpu_a_gpu_worker_does_not_start_and_says_so(
    client: redis.Redis, settings: Settings
) -> None:
    queue = LeaseQueue(client, settings, "host-1-abc")
    with pytest.raises(GpuMissing, match="expected a GPU"):
        open_device(queue, on(settings, "cuda"))
    stats = queue_stats(client, settings)
    assert [worker.name for worker in stats.lost_gpus] == ["host-1-abc"]
    assert stats.live_workers == []


def test_the_process_of_a_gpu_worker_ends_without_a_gpu(settings: Settings) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "kantor.service.cli", "worker"],
        env=os.environ | environment(on(settings, "cuda")) | {"KANTOR_DEVICE": "cuda"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "KANTOR_DEVICE=cuda" in ended.stderr


def test_what_a_worker_says_is_kept_while_it_is_heard(
    client: redis.Redis, settings: Settings
) -> None:
    queue = LeaseQueue(client, settings, "w")
    queue.beat([], {"device": "cuda:0 A", "memory_bytes": 80, "used_bytes": 8})
    queue.beat([])
    [worker] = queue_stats(client, settings).live_workers
    assert worker.device == "cuda:0 A"
    assert (worker.memory_bytes, worker.used_bytes) == (80, 8)


@pytest.mark.parametrize("text", ["?", "[]", json.dumps({"other": 1})])
def test_what_makes_no_sense_costs_no_worker(
    client: redis.Redis, settings: Settings, text: str
) -> None:
    LeaseQueue(client, settings, "w").beat([])
    client.hset("{" + settings.key_prefix + "}:devices", "w", text)
    assert [w.name for w in queue_stats(client, settings).live_workers] == ["w"]


def test_a_silent_worker_leaves_nothing(
    client: redis.Redis, settings: Settings
) -> None:
    queue = LeaseQueue(client, settings, "w")
    queue.beat([], {"device": "cpu"})
    tag = "{" + settings.key_prefix + "}"
    client.zadd(f"{tag}:workers", {"w": 1})
    queue.reap()
    assert not client.exists(f"{tag}:devices")
