"""Two processes train one job together, speaking by gloo."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from kantor.estimator.training.crew import ALONE, Crew, joined
from kantor.estimator.training.objective import dual_objective

PROGRAM = """
import json
import numpy as np
import torch
from kantor.estimator import EstimateConfig, estimate_w1
from kantor.estimator.training.crew import joined

torch.set_num_threads(1)
draw = np.random.default_rng(0)
x, y = draw.normal(size=(601, 3)), draw.normal(size=(500, 3))
y[:, 0] *= 2.0
config = EstimateConfig(
    effort="quick", critic="network", steps=60, width=16, depth=2, seed=3,
    sample_bounds=False,
)
with joined() as first:
    found = estimate_w1(x, y, config)
    if first:
        print(json.dumps(found.to_dict()))
"""


def run_together(count: int) -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(count)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    said = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    document: dict[str, Any] = json.loads(said[0])
    return document


@pytest.mark.slow
def test_two_processes_find_what_one_finds() -> None:
    alone, together = run_together(1), run_together(2)
    assert together["steps"] == alone["steps"] > 0
    # Gradients are summed in another order, and 60 steps make more of it; what is left
    # is far below what the answer itself says of its own noise.
    noise = 0.1 * alone["standard_error"]
    for name in ("estimate", "lower_bound"):
        assert together[name] == pytest.approx(alone[name], abs=noise)
    curves = [[p["validation"] for p in d["curve"]] for d in (alone, together)]
    assert curves[1] == pytest.approx(curves[0], abs=noise)


def test_the_gradients_of_shares_add_up_to_that_of_the_whole() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(1, 7, 2), torch.randn(1, 5, 2)
    start = torch.randn(1, 2, 1, requires_grad=True)

    def gradient(x: torch.Tensor, y: torch.Tensor, **of: Any) -> torch.Tensor:
        critic: Any = lambda samples: (samples @ start).squeeze(-1).relu()  # noqa: E731
        [found] = torch.autograd.grad(dual_objective(critic, x, y, [0], **of), start)
        return found

    crew = [Crew(3, rank) for rank in range(3)]
    parts = [gradient(c.share(x), c.share(y), of=(7, 5)) for c in crew]
    torch.testing.assert_close(torch.stack(parts).sum(0), gradient(x, y))


def test_shares_are_the_whole() -> None:
    batch = torch.arange(14.0).reshape(1, 7, 2)
    shares = [Crew(3, rank).share(batch) for rank in range(3)]
    assert torch.equal(torch.cat(shares, dim=1), batch)


@pytest.fixture
def speaking(tmp_path: Path) -> Iterator[None]:
    """Let this process speak by gloo, to nobody."""
    url = f"file://{tmp_path}/group"
    dist.init_process_group("gloo", init_method=url, world_size=1, rank=0)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("speaking")
@pytest.mark.parametrize("content", [b"", b"\x00\xff"])
def test_what_the_first_says_arrives_also_if_it_is_nothing(content: bytes) -> None:
    assert Crew(2, 0).of_first(content) == content


def test_one_process_is_alone_and_first() -> None:
    with joined() as first:
        assert first
    tensors = (torch.ones(2), torch.zeros(1))
    assert all(a is b for a, b in zip(ALONE.summed(tensors), tensors, strict=True))
    assert ALONE.of_first(b"x") == b"x"
    assert not ALONE.agrees(False)
