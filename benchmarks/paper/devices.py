"""Where experiments train: on a GPU where there is one. What comes back is on the CPU.

Random numbers are drawn on the CPU, so that a seed means the same draws on both.
"""

import torch
from torch import Tensor

from kantor.estimator.devices import choose_device
from kantor.models.critic import C, mapped


def here() -> torch.device:
    """Return the device to train on."""
    return choose_device("auto")


def placed(networks: C) -> C:
    """Return networks on that device."""
    return mapped(networks, lambda p: p.to(here()))


def fetched(networks: C) -> C:
    """Return networks on the CPU."""
    return mapped(networks, Tensor.cpu)
