"""Several processes that train one job's critics together, by `torch.distributed`.

Each takes its share of the rows of every batch; their gradients are summed, so that all
take the very steps one process would take, up to the order of the sums. What follows
from a report (who leaves the race, when it ends) is taken from the first process, so
that rounding never drives them apart. Everything else each does for itself.

    # torchrun --nproc-per-node 2 estimate.py
    from kantor.estimator import estimate_w1
    from kantor.estimator.training.crew import joined

    with joined() as first:
        estimate = estimate_w1(x, y)  # the same samples and settings everywhere
        if first:
            print(estimate.lower_bound)
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Crew:
    """The processes that train together; by default this one, alone.

    Attributes:
        size: How many they are.
        rank: Which of them this is.
        device: Where tensors lie that they exchange.
    """

    size: int = 1
    rank: int = 0
    device: torch.device = torch.device("cpu")

    def share(self, samples: Tensor) -> Tensor:
        """Return this process's rows of a batch (F, B, d) of which all have a copy."""
        if self.size == 1:
            return samples
        return samples.tensor_split(self.size, dim=1)[self.rank]

    def summed(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the sums of every process's tensors; one exchange for all of them."""
        if self.size == 1:
            return tuple(tensors)
        whole = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(whole)
        ends = [*accumulate(tensor.numel() for tensor in tensors)]
        parts = whole.tensor_split(ends[:-1])
        return tuple(
            part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)
        )

    def agrees(self, mine: bool) -> bool:
        """Return whether any process says yes."""
        if self.size == 1:
            return mine
        [count] = self.summed([torch.tensor([float(mine)], device=self.device)])
        return bool(count > 0)

    def of_first(self, content: bytes) -> bytes:
        """Return the first process's bytes, everywhere."""
        if self.size == 1:
            return content
        length = torch.tensor([len(content)], device=self.device)
        dist.broadcast(length, 0)
        if not int(length):
            return b""  # which torch can neither hold nor send
        if self.rank == 0:
            held = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            held = held.to(self.device)
        else:
            held = torch.empty(int(length), dtype=torch.uint8, device=self.device)
        dist.broadcast(held, 0)
        return held.cpu().numpy().tobytes()


ALONE = Crew()


def present_crew(device: torch.device) -> Crew:
    """Return the processes that have joined; this one alone where none has."""
    if not dist.is_available() or not dist.is_initialized():
        return ALONE
    on_gpu = dist.get_backend() == "nccl"
    place = device if on_gpu else torch.device("cpu")
    return Crew(dist.get_world_size(), dist.get_rank(), place)


@contextmanager
def joined() -> Iterator[bool]:
    """Join the other processes that `torchrun` has started; yield whether first.

    On GPUs each process takes the one of its LOCAL_RANK, and they speak by NCCL; else
    by gloo. Without `torchrun` this process is alone, and first.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()
