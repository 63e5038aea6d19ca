"""Choose and describe the device that critics are trained on."""

import torch

from kantor.estimator.errors import InvalidConfig


def choose_device(name: str) -> torch.device:
    """Return the torch device for `auto`, `cpu`, `cuda` or `cuda:<index>`.

    Raises:
        InvalidConfig: The name is none of these, or no such GPU is present.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdecimal()):
        raise InvalidConfig(
            "device", f"expected auto, cpu, cuda or cuda:<index>, got {name!r}"
        )
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise InvalidConfig(
            "device",
            f"expected one of {torch.cuda.device_count()} GPUs, got {name!r}",
        )
    return torch.device(kind if kind == "cpu" else name)


def describe(device: torch.device) -> str:
    """Return the device's name, with the model of a GPU."""
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    return str(device)
