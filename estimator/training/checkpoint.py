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

from kantor.estimator.errors import InvalidInput
from kantor.estimator.result import CurvePoint
from kantor.estimator.training.loop import TrainingState
from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.team import Team
from kantor.models.optimizers import Tensors


def to_bytes(state: TrainingState, fingerprint: str) -> bytes:
    """Serialize a training state."""
    tensors: dict[str, Tensor] = {}
    for family, team in state.portfolio.items():
        for name, group in groups_of(team).items():
            tensors |= named(f"{family}.{name}", group)
    numbers = {
        "fingerprint": fingerprint,
        "places": {family: team.places for family, team in state.portfolio.items()},
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


def groups_of(team: Team) -> dict[str, Tensors]:
    """Return the tensors of a team by what they are."""
    return {
        "parameters": team.parameters.tensors(),
        "memory": team.memory,
        "best": team.best.tensors(),
        "race": (team.rates, team.best_validation, team.history),
    }


def named(prefix: str, tensors: Tensors) -> dict[str, Tensor]:
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
    portfolio = {
        family: restored(
            start.portfolio[family].keep([(f, j) for f, j in places]), family, tensors
        )
        for family, places in numbers["places"].items()
    }
    return TrainingState(
        portfolio=portfolio,
        step=numbers["step"],
        schedule=Schedule(**numbers["schedule"]),
        curve=tuple(CurvePoint(**point) for point in numbers["curve"]),
        elapsed_s=numbers["elapsed_s"],
    )


def restored(team: Team, family: str, tensors: dict[str, Tensor]) -> Team:
    """Return a team with the saved tensors of its family, on its own device."""
    device = team.best_validation.device

    def saved(name: str, count: int) -> Tensors:
        # Cloned: the loaded views are unaligned, and alignment changes BLAS's bits.
        return tuple(
            tensors[f"{family}.{name}.{i}"].clone().to(device) for i in range(count)
        )

    found = {name: saved(name, len(group)) for name, group in groups_of(team).items()}
    return replace(
        team,
        parameters=team.parameters.with_tensors(found["parameters"]),
        memory=found["memory"],
        best=team.best.with_tensors(found["best"]),
        rates=found["race"][0],
        best_validation=found["race"][1],
        history=found["race"][2],
    )
