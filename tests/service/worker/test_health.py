import pytest
import redis

from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings
from kantor.service.worker.health import WorkerSilent, check_heard
from kantor.service.worker.process import worker_name


def test_a_worker_that_beats_is_heard(client: redis.Redis, settings: Settings) -> None:
    name = worker_name()
    LeaseQueue(client, settings, name).beat([])
    assert check_heard(settings).startswith(name)


def test_a_worker_of_another_machine_does_not_count(
    client: redis.Redis, settings: Settings
) -> None:
    LeaseQueue(client, settings, "elsewhere-1-abc").beat([])
    with pytest.raises(WorkerSilent, match=r"heard within 1 s"):
        check_heard(settings)


def test_an_absent_server_is_a_reason(settings: Settings) -> None:
    nowhere = settings.model_dump() | {"redis_url": "redis://127.0.0.1:1"}
    with pytest.raises(WorkerSilent, match="does not answer"):
        check_heard(Settings.model_validate(nowhere))
