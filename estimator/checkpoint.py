"""Training states as safetensors bytes, and back.

A checkpoint belongs to one problem: it carries a fingerprint of samples' shapes and the
configuration, and refuses to resume another.
"""

import json
from dataclasses import asdict, replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from estimator.errors import InvalidInput
from estimator.result import CurvePoint
from estimator.schedule import Schedule
from estimator.training import TrainingState
from models.critic import Critic


def to_bytes(state: TrainingState, fingerprint: str) -> bytes:
    """Serialize a training state."""
    tensors = named("parameters", state.parameters.tensors())
    tensors |= named("memory", state.memory)
    tensors |= named("best", state.best.tensors())
    tensors["best_validation"] = state.best_validation
    numbers = {
        "fingerprint": fingerprint,
        "step": state.step,
        "schedule": asdict(state.schedule),
        "curve": [asdict(point) for point in state.curve],
        "elapsed_s": state.elapsed_s,
    }
    header = torch.frombuffer(
        bytearray(json.dumps(numbers).encode()), dtype=torch.uint8
    )
    return save(
        {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
        | {"numbers": header}
    )


def named(prefix: str, tensors: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Name tensors by their position."""
    return {f"{prefix}.{i}": t.clone() for i, t in enumerate(tensors)}


def from_bytes(
    document: bytes, start: TrainingState, fingerprint: str
) -> TrainingState:
    """Return the saved state, shaped and placed as the initial state `start`.

    Raises:
        InvalidInput: The document is not a checkpoint, or one of another problem.
    """
    try:
        tensors = load(document)
        numbers = json.loads(tensors.pop("numbers").numpy().tobytes())
    except (SafetensorError, KeyError, ValueError) as error:
        raise InvalidInput("resume_from", f"expected a checkpoint, {error}") from error
    if numbers["fingerprint"] != fingerprint:
        raise InvalidInput(
            "resume_from", "expected a checkpoint of the same samples and settings"
        )
    device = start.best_validation.device

    def tensors_of(prefix: str, count: int) -> tuple[Tensor, ...]:
        # Cloned: the loaded views are unaligned, and alignment changes BLAS's bits.
        return tuple(tensors[f"{prefix}.{i}"].clone().to(device) for i in range(count))

    def critic_of(prefix: str, like: Critic) -> Critic:
        values = tensors_of(prefix, len(like.tensors()))
        layers = len(like.weights)
        return replace(like, weights=values[:layers], biases=values[layers:])

    return replace(
        start,
        parameters=critic_of("parameters", start.parameters),
        memory=tensors_of("memory", len(start.memory)),
        best=critic_of("best", start.best),
        best_validation=tensors["best_validation"].to(device),
        step=numbers["step"],
        schedule=Schedule(**numbers["schedule"]),
        curve=tuple(CurvePoint(**point) for point in numbers["curve"]),
        elapsed_s=numbers["elapsed_s"],
    )
