"""`kantor drain`: let workers claim no more jobs, and wait until none runs."""

import time
from collections.abc import Callable, Sequence

import redis

from kantor.service.queue.draining import EVERYBODY, Draining, ask_drain, host_of
from kantor.service.queue.inspection import queue_stats
from kantor.service.settings import Settings
from kantor.service.upkeep.server import needed_server

LOOK_AGAIN_S = 0.5

_REASON = "which workers ask for jobs"


class NoSuchWorker(RuntimeError):
    """Refuse to drain a worker or a host that nobody has heard of."""


def begin_drain(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    timeout_s: float | None,
    on_change: Callable[[int], None],
) -> bool:
    """Let workers claim nothing from now on; return whether none of their jobs runs.

    Args:
        settings: Of the queue.
        names: Workers, or hosts with all their workers; none: everybody.
        timeout_s: How long to wait for the jobs that run; None: as long as it takes.
        on_change: Called with how many of them are left, whenever that has changed.

    Raises:
        QueueAway: No server runs on this folder.
        NoSuchWorker: No worker of that name, or on that host, has been heard lately.
    """
    with needed_server(settings, _REASON) as client:
        _check_heard(client, settings, names)
        found = ask_drain(client, settings, "on", [*names] or [EVERYBODY])
        return _await_none(client, settings, found, timeout_s, on_change)


def end_drain(settings: Settings, names: Sequence[str] = ()) -> Draining:
    """Let workers claim jobs again; return what is drained still.

    Raises:
        QueueAway: No server runs on this folder.
        NoSuchWorker: One of the names is not drained.
    """
    with needed_server(settings, _REASON) as client:
        drained = ask_drain(client, settings, "look", []).names
        for name in names:
            _check_known(name, drained)
        return ask_drain(client, settings, "off", [*names])


def _await_none(
    client: redis.Redis,
    settings: Settings,
    found: Draining,
    timeout_s: float | None,
    on_change: Callable[[int], None],
) -> bool:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    told = None
    while True:
        if found.running != told:
            told = found.running
            on_change(told)
        if told == 0:
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_AGAIN_S)
        found = ask_drain(client, settings, "look", [])


def _check_heard(client: redis.Redis, settings: Settings, names: Sequence[str]) -> None:
    workers = [worker.name for worker in queue_stats(client, settings).workers]
    known = {*workers, *map(host_of, workers)}
    for name in names:
        _check_known(name, known)


def _check_known(name: str, known: dict[str, float] | set[str]) -> None:
    if name not in known:
        raise NoSuchWorker(
            f"expected one of {', '.join(sorted(filter(None, known))) or 'none'}, "
            f"received {name!r}"
        )
