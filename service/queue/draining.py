"""Workers that claim no more jobs: before a host is taken away, or an upgrade.

What is drained is a worker, a host with all its workers (those that are started later
too), or everything. Jobs that run go on to their end; jobs go on being accepted, and
wait. The state is in Redis, so that it holds whoever asks and whatever is restarted.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import redis

from kantor.service.queue.keys import Keys
from kantor.service.queue.scripting import script_text
from kantor.service.settings import Settings

EVERYBODY = "*"

_WORKER = re.compile(r"(.*)-\d+-[0-9a-f]+")
"""Host, process id, noise; `is_drained` in `scripts/common.lua` reads it alike."""


@dataclass(frozen=True)
class Draining:
    """What is drained, and what workers hold.

    Attributes:
        names: Names of workers or hosts, or `EVERYBODY`; with the time since when, in
            seconds since the epoch.
        held: How many jobs each worker holds that holds any.
    """

    names: dict[str, float] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_reply(cls, reply: list[Any]) -> "Draining":
        """Build from the reply of the script `drain`."""
        names, held = reply
        since = zip(names[::2], names[1::2], strict=True)
        return cls(
            {name: int(at) / 1000 for name, at in since if str(at).isdecimal()},
            dict(zip(held[::2], held[1::2], strict=True)),
        )

    @property
    def running(self) -> int:
        """Jobs that are held by workers which claim no more."""
        return sum(count for name, count in self.held.items() if self.covers(name))

    def covers(self, worker: str) -> bool:
        """Tell whether a worker claims nothing."""
        return bool({EVERYBODY, worker, host_of(worker)} & set(self.names))


def host_of(worker: str) -> str:
    """Return the host in the name of a worker.

    >>> host_of("gpu-7-4021-9f3c21")
    'gpu-7'
    """
    found = _WORKER.fullmatch(worker)
    return found[1] if found else ""


def ask_drain(
    client: redis.Redis, settings: Settings, what: str, names: list[str]
) -> Draining:
    """Run the script `drain`: `on`, `off` or `look`; return what is drained now."""
    script = client.register_script(script_text("drain"))
    tag = Keys(settings.key_prefix).tag
    return Draining.from_reply(script(keys=[tag], args=[what, *names]))
