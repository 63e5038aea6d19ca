"""Hosts that share nothing but a wire: network namespaces on a bridge. Needs root."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

IP = shutil.which("ip")
NET_BITS = 24


@dataclass(frozen=True)
class Host:
    """One namespace: its own interfaces, routes and connections.

    Attributes:
        name: What we call it.
        namespace: What the kernel calls it.
        address: Where the others reach it.
        port: Name of its end of the wire at the bridge.
    """

    name: str
    namespace: str
    address: str
    port: str

    def command(self, command: list[str]) -> list[str]:
        """Return the command line that runs a command on this host."""
        return [str(IP), "netns", "exec", self.namespace, *command]

    def kill(self) -> int:
        """Kill every process of the host with SIGKILL; return how many there were."""
        found = [int(pid) for pid in _ip("netns", "pids", self.namespace).split()]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return len(found)

    def cut_off(self) -> None:
        """Pull the plug: nothing gets through, and no connection is told."""
        _ip("link", "set", self.port, "down")

    def reconnect(self) -> None:
        """Put the plug back."""
        _ip("link", "set", self.port, "up")


@dataclass(frozen=True)
class Network:
    """A bridge of this machine and the hosts on it.

    Attributes:
        address: Where the hosts reach this machine.
        hosts: By name.
    """

    address: str
    hosts: dict[str, Host]


def unavailable() -> str | None:
    """Return why there can be no namespaces here, or None if there can."""
    if IP is None:
        return "needs the command `ip` (iproute2)"
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    probe = f"kantor-{os.getpid()}-probe"
    try:
        with _made(probe):
            return None
    except subprocess.CalledProcessError as error:
        return f"needs network namespaces: {str(error.stderr).strip()}"


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """Make a bridge with a host for each name; all is gone afterwards.

    The addresses are those set aside for tests of networks (RFC 2544).
    """
    tag = os.getpid()
    bridge, net = f"kb{tag}", f"198.18.{tag % 254}"
    with ExitStack() as stack:
        _ip("link", "add", bridge, "type", "bridge")
        stack.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{net}.1/{NET_BITS}", "dev", bridge)
        _ip("link", "set", bridge, "up")
        hosts = {}
        for number, name in enumerate(names, start=2):
            namespace = stack.enter_context(_made(f"kantor-{tag}-{name}"))
            host = Host(name, namespace, f"{net}.{number}", f"kv{tag}-{number}")
            _connect(host, bridge)
            hosts[name] = host
        yield Network(f"{net}.1", hosts)


@contextmanager
def _made(namespace: str) -> Iterator[str]:
    _ip("netns", "add", namespace)
    try:
        yield namespace
    finally:
        _ip("netns", "del", namespace)


def _connect(host: Host, bridge: str) -> None:
    """Lay a wire from a host to the bridge."""
    inside = partial(_ip, "-n", host.namespace)
    there = ("peer", "name", "eth0", "netns", host.namespace)
    _ip("link", "add", host.port, "type", "veth", *there)
    _ip("link", "set", host.port, "master", bridge, "up")
    inside("addr", "add", f"{host.address}/{NET_BITS}", "dev", "eth0")
    inside("link", "set", "eth0", "up")
    inside("link", "set", "lo", "up")


def _ip(*arguments: str) -> str:
    command = [str(IP), *arguments]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return ended.stdout
