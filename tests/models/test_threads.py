"""Idle threads sleep, whoever calls: the policy stands before torch is loaded."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import torch

from kantor.models.threads import in_one_thread

POLICY = "OMP_WAIT_POLICY"

PROGRAM = """
import os, sys
from importlib.abc import MetaPathFinder

class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"))
            sys.meta_path.remove(self)

sys.meta_path.insert(0, Watch())
{entry}
assert "torch" in sys.modules
"""

ENTRIES = [
    "from kantor import estimate_w1",
    "import kantor.estimator.pipeline",
    "import kantor; kantor.estimate_w1",
    "import kantor.models.network",
]


def policy_when_torch_loads(entry: str, **environment: str) -> str:
    """Return the wait policy at the moment that torch is looked for."""
    inherited = {name: value for name, value in os.environ.items() if name != POLICY}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(entry=entry)],
        capture_output=True,
        text=True,
        timeout=120,
        env=inherited | environment,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.parametrize("entry", ENTRIES)
def test_idle_threads_sleep_before_torch_is_loaded(entry: str) -> None:
    assert policy_when_torch_loads(entry) == "PASSIVE"


@pytest.mark.parametrize("policy", ["ACTIVE", "passive"])
def test_the_environments_own_policy_is_kept(policy: str) -> None:
    assert policy_when_torch_loads(ENTRIES[0], OMP_WAIT_POLICY=policy) == policy


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_computes_and_the_others_come_back() -> None:
    with in_one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(KeyError), in_one_thread():
        raise KeyError
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_beside_others_the_number_stays() -> None:
    seen: list[int] = []

    def look() -> None:
        before = torch.get_num_threads()
        with in_one_thread():
            seen.append(torch.get_num_threads() - before)

    worker = threading.Thread(target=look)
    worker.start()
    worker.join()
    assert seen == [0]
