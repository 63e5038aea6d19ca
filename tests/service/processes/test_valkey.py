import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kantor.service.processes.valkey import EmbeddedValkey, FolderTaken
from kantor.service.queue.broker import connect

PARENT = """
import sys, time
from pathlib import Path
from kantor.service.processes.valkey import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except FileNotFoundError:
        return False


def test_writes_survive_a_kill(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "v")
    server.start()
    with connect(server.url) as client:
        client.set("kept", "1")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    with EmbeddedValkey(tmp_path / "v") as again, connect(again.url) as client:
        assert client.get("kept") == "1"
    server.stop()


def test_only_this_user_can_enter_its_folder(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "v"):
        assert (tmp_path / "v").stat().st_mode & 0o777 == 0o700


def test_a_long_folder_name_still_gets_a_socket(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / ("long" * 30)) as server:
        assert server.is_running()


def test_a_stopped_server_keeps_its_folder(tmp_path: Path) -> None:
    first = EmbeddedValkey(tmp_path / "v")
    first.start()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = EmbeddedValkey(tmp_path / "v", patience_s=0.2)
        with pytest.raises(FolderTaken, match=f"process {first.pid} runs"):
            second.start()
    finally:
        os.kill(first.pid, signal.SIGCONT)
        first.stop()
    second.start()
    second.stop()


def test_its_memory_is_bounded(tmp_path: Path) -> None:
    with (
        EmbeddedValkey(tmp_path / "v", memory_bytes=2**26) as server,
        connect(server.url) as client,
    ):
        assert client.config_get("maxmemory") == {"maxmemory": str(2**26)}


@pytest.mark.skipif(sys.platform != "linux", reason="the tether is a Linux feature")
def test_it_ends_with_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "v")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)
