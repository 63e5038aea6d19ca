"""The device that a worker trains on: chosen at its start, described at each beat."""

import os
import resource
import sys
from typing import Any

import structlog

from kantor.service.capacity import usable_memory_bytes
from kantor.service.settings import Settings

KIBIBYTE = 1024

log = structlog.get_logger(__name__)


class GpuMissing(RuntimeError):
    """Refuse to start without the GPU that the settings ask for."""


class Device:
    """The device behind `auto` in this process; loads torch.

    Raises:
        GpuMissing: The settings ask for a GPU, and there is none.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.device == "cpu":
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks
        import torch

        if settings.worker_threads is not None:
            torch.set_num_threads(settings.worker_threads)
        if settings.device == "cuda" and not torch.cuda.is_available():
            raise GpuMissing(
                "expected a GPU (KANTOR_DEVICE=cuda), received none: is there a driver "
                "for it, and was this container given it? KANTOR_DEVICE=cpu trains "
                "without"
            )
        self._torch = torch
        self.is_gpu = torch.cuda.is_available()
        if os.environ.get("CUDA_VISIBLE_DEVICES") and not self.is_gpu:
            log.warning("gpu_unused", advice="torch sees no GPU; training on the CPU")

    def facts(self) -> dict[str, Any]:
        """Return name and memory, as the queue keeps them.

        Raises:
            RuntimeError: The GPU is gone, or its context in this process is broken.
        """
        from kantor.estimator.devices import choose_device, describe

        total, used = self._gpu_memory() if self.is_gpu else _own_memory()
        name = describe(choose_device("auto"))
        return {"device": name, "memory_bytes": total, "used_bytes": used}

    def _gpu_memory(self) -> tuple[int, int]:
        free, total = self._torch.cuda.mem_get_info()
        return total, total - free


LOST_GPU: dict[str, Any] = {"device": "", "gpu_lost": True}
"""What a worker says that was to have a GPU and found none."""


def _own_memory() -> tuple[int, int]:
    """Return the memory of the machine or container, and this process's largest."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usable_memory_bytes(), largest * (
        1 if sys.platform == "darwin" else KIBIBYTE
    )
