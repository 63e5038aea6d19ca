"""What a user can set about an estimation: one frozen dataclass, free of torch.

Each field carries its range and its meaning as metadata, and everything else is derived
from that: validation here, the wire schema of the service, the documentation.
"""

import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from kantor.estimator.errors import InvalidConfig
from kantor.models.vocabulary import GROUPING, ActivationName, Norm

Effort = Literal["quick", "standard", "thorough"]
BoundMethod = Literal["betting", "bernstein", "student"]
Family = Literal["portfolio", "network", "cones", "projection"]
ConstraintName = Literal["stiefel", "bjorck", "spectral", "parseval", "l1", "mixed"]
OptimizerName = Literal["manifold", "adam", "sgd", "aggmo"]
Scaling = Literal["auto", "scalar", "standardize"]
MissingRule = Literal["refuse", "drop", "indicator"]
Dates = Literal["refuse", "as-number"]
Names = tuple[str, ...]

MAX_SEED = 2**63 - 1

_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]{1,3})?")


def setting(
    default: Any,
    meaning: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Declare a field of the configuration with its range and its meaning."""
    limits = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    bounds = {name: limit for name, limit in limits.items() if limit is not None}
    return field(default=default, metadata={"meaning": meaning, "bounds": bounds})


@dataclass(frozen=True, kw_only=True)
class EstimateConfig:
    """Settings of `estimate_w1`. None means: chosen by `effort` and the data."""

    effort: Effort = setting(
        "standard", "How much training: quick, standard or thorough."
    )
    seed: int = setting(
        0, "Seed of every random choice; same seed, same bits on CPU.",
        ge=0, le=MAX_SEED,
    )  # fmt: skip
    confidence: float = setting(
        0.95, "Probability that `lower_bound` does not exceed W1.", ge=0.5, lt=1.0
    )
    bound_method: BoundMethod = setting(
        "betting",
        "Statistics of `lower_bound`: betting and bernstein hold at any sample size, "
        "student only in the limit.",
    )
    scaling: Scaling = setting(
        "auto",
        "What distances are measured in. scalar keeps the user's metric; standardize "
        "divides each feature by its deviation and changes the metric; auto is scalar, "
        "but standardize for tables whose columns' deviations differ over tenfold.",
    )
    columns: Literal["common"] | Names | None = setting(
        None,
        "Columns of tables to compare: a list of names, common for those that both "
        "sides have, null for all, which must then be the same on both sides.",
    )
    drop: Names = setting((), "Names of columns of tables that are left out.")
    na: MissingRule = setting(
        "refuse",
        "Missing values of tables: refuse them, drop their rows, or indicator: impute "
        "the middle beside a feature that says so.",
    )
    dates: Dates = setting(
        "refuse", "Dates and times of tables: refuse, or as-number: days since 1970."
    )
    category_weight: float | None = setting(
        None,
        "Distance of two rows that differ in a category alone; null: the usual "
        "deviation of a number column.",
        gt=0.0,
    )
    category_weights: dict[str, float] | None = setting(
        None, "The same for single categories, by the name of the column."
    )
    folds: int = setting(
        1, "1: hold out a test part. More: cross-fit, so that every sample is tested.",
        ge=1, le=20,
    )  # fmt: skip
    norm: Norm = setting("l2", "Ground norm of the distance: l2 or linf.")
    critic: Family = setting(
        "portfolio",
        "Critics that compete on validation: all (portfolio), or only networks, cones, "
        "or cones on learned projections.",
    )
    constraint: ConstraintName | None = setting(
        None,
        "How a network's weights are constrained. For norm l2: stiefel (orthonormal, "
        "on the manifold), bjorck (orthonormal, the paper's iterations), spectral, "
        "parseval, mixed (l2 to linf at the first layer); for norm linf: l1.",
    )
    optimizer: OptimizerName | None = setting(
        None,
        "How a network's weights move: manifold (for stiefel), adam, sgd or aggmo.",
    )
    activation: ActivationName = setting(
        "groupsort", "Activation of a network; all but the sorting ones lose gradient."
    )
    bjorck_order: int = setting(1, "Order of the Björck iterations.", ge=1, le=4)
    bjorck_iterations: int = setting(
        20, "Björck iterations of each training step.", ge=1, le=200
    )
    depth: int | None = setting(None, "Hidden layers of the critic.", ge=1, le=16)
    width: int | None = setting(None, "Units of each hidden layer.", ge=2, le=4096)
    group_size: int | None = setting(
        None, "Units that GroupSort sorts together; divides width.", ge=2, le=4096
    )
    cones: int | None = setting(
        None, "Cones that a critic made of cones starts with.", ge=1, le=65_536
    )
    steps: int | None = setting(None, "Optimizer updates at most.", ge=1, le=1_000_000)
    batch_size: int | None = setting(
        None, "Samples of each side in one step.", ge=1, le=1_048_576
    )
    learning_rate: float | None = setting(
        None, "Step size of a network; for manifold the update's spectral norm.",
        gt=0.0, le=1.0,
    )  # fmt: skip
    max_weight: float | None = setting(
        None,
        "Largest weight that a sample could have. Without it the promise is for the "
        "distribution in which no weight exceeds the largest of those that train.",
        gt=0.0,
    )
    sample_bounds: bool = setting(
        True, "Whether to bracket W1 between the given samples as well."
    )
    self_check: bool | None = setting(
        None,
        "Whether to plant a known difference of the size that was found in the data "
        "and report how much of it is found; null: where effort is thorough.",
    )
    device: str = setting("auto", "Where to train: auto, cpu, cuda or cuda:<index>.")

    def __post_init__(self) -> None:
        """Check every field against its declared type and range.

        Raises:
            InvalidConfig: Names the field, what was expected and what was received.
        """
        hints = _hints()
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, list) and _admits_names(hints[item.name]):
                value = tuple(value)
                object.__setattr__(self, item.name, value)
            check_type(item.name, value, hints[item.name])
            if value is not None:
                check_bounds(item.name, value, item.metadata["bounds"])
        self._check_together()

    def _check_together(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise InvalidConfig(
                "device",
                f"expected auto, cpu, cuda or cuda:<index>, got {self.device!r}",
            )
        if self.norm == "linf" and self.constraint not in (None, "l1"):
            raise InvalidConfig(
                "constraint",
                f"expected l1 for norm linf, got {self.constraint}: it bounds slopes "
                "per l2 distance, which certifies nothing useful per linf distance",
            )
        if self.norm == "l2" and self.constraint == "l1":
            raise InvalidConfig(
                "constraint",
                "expected another than l1 for norm l2: it bounds slopes per linf "
                "distance; mixed has the same layers with a first one made for l2",
            )
        if self.optimizer == "manifold" and self.chosen_constraint != "stiefel":
            raise InvalidConfig(
                "optimizer",
                "expected adam, sgd or aggmo: manifold moves along the Stiefel "
                f"manifold, which constraint {self.chosen_constraint} does not keep",
            )
        for name, weight in (self.category_weights or {}).items():
            if not 0.0 < weight < float("inf"):
                raise InvalidConfig(
                    "category_weights",
                    f"expected a number > 0 for {name!r}, got {weight!r}",
                )
        self.check_groups(self.width)
        if self.self_check and self.norm != "l2":
            raise InvalidConfig(
                "self_check",
                f"expected norm l2, in which planted distances are known, got "
                f"{self.norm}",
            )

    @property
    def checks_itself(self) -> bool:
        """Whether a planted difference shall be looked for; known under l2 alone."""
        if self.self_check is None:
            return self.effort == "thorough" and self.norm == "l2"
        return self.self_check

    def check_groups(self, width: int | None) -> None:
        """Check that groups fit a width, and that the activation has groups at all.

        Raises:
            InvalidConfig: They do not.
        """
        if self.group_size and self.activation not in GROUPING:
            raise InvalidConfig(
                "group_size", f"expected null for activation {self.activation}, "
                f"got {self.group_size}",
            )  # fmt: skip
        if width and self.activation == "maxmin" and width % 2:
            raise InvalidConfig(
                "width", f"expected an even width for activation maxmin, got {width}"
            )
        if width and self.group_size and width % self.group_size:
            raise InvalidConfig(
                "group_size",
                f"expected a divisor of width {width}, got {self.group_size}",
            )

    @property
    def chosen_constraint(self) -> ConstraintName:
        """Return the constraint, or what the norm asks for where none is set."""
        return self.constraint or ("l1" if self.norm == "linf" else "stiefel")

    @property
    def chosen_optimizer(self) -> OptimizerName:
        """Return the optimizer, or what suits the constraint where none is set."""
        suited: OptimizerName = (
            "manifold" if self.chosen_constraint == "stiefel" else "adam"
        )
        return self.optimizer or suited

    def replace(self, **changes: Any) -> "EstimateConfig":
        """Return a copy with the given fields changed, validated again."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values."""
        return {name: _copied(value) for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "EstimateConfig":
        """Build from parsed JSON; an unknown name is an error, not ignored.

        Raises:
            InvalidConfig: For an unknown name, a wrong type or a value out of range.
        """
        known = {item.name for item in fields(cls)}
        for name in values:
            if name not in known:
                raise InvalidConfig(
                    name, f"unknown setting, expected one of {sorted(known)}"
                )
        return cls(**values)


def _copied(value: Any) -> Any:
    """Return a setting as JSON has it; collections, all of them flat, as copies."""
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, dict) else value


@cache
def _hints() -> dict[str, Any]:
    """Return the type of each setting; looking them up is slow."""
    return get_type_hints(EstimateConfig)


def choices_of(hint: Any) -> list[str]:
    """Return the words that an annotation (a Literal, or one or None) admits."""
    parts = [hint, *get_args(hint)]
    literals = [part for part in parts if get_origin(part) is Literal]
    return [choice for literal in literals for choice in get_args(literal)]


def check_type(name: str, value: Any, hint: Any) -> None:
    """Raise `InvalidConfig` unless `value` is of the annotated type."""
    if _admits_names(hint):
        _check_collection(name, value, hint)
        return
    choices = choices_of(hint)
    if choices:
        if value not in choices and not (value is None and NoneType in get_args(hint)):
            raise InvalidConfig(name, f"expected one of {choices}, got {value!r}")
        return
    accepted = tuple(get_args(hint)) or (hint,)
    if float in accepted:
        accepted += (int,)
    if not isinstance(value, accepted) or (
        isinstance(value, bool) and bool not in accepted
    ):
        wanted = " or ".join(
            "null" if t is type(None) else t.__name__ for t in accepted
        )
        raise InvalidConfig(name, f"expected {wanted}, got {value!r}")


def _admits_names(hint: Any) -> bool:
    """Tell whether an annotation admits a list of names, or numbers by name."""
    return any(get_origin(part) in (tuple, dict) for part in [hint, *get_args(hint)])


def _check_collection(name: str, value: Any, hint: Any) -> None:
    """Raise `InvalidConfig` unless a value is one of the names, or numbers, wanted."""
    parts = [hint] if get_origin(hint) in (tuple, dict) else get_args(hint)
    origins = {get_origin(part) for part in parts}
    wanted = [repr(word) for word in choices_of(hint)]
    wanted += ["a list of names"] if tuple in origins else ["numbers by name"]
    wanted += ["null"] if NoneType in parts else []
    fits = value in choices_of(hint) if isinstance(value, str) else False
    fits = fits or (value is None and NoneType in parts)
    if isinstance(value, tuple | dict) and type(value) in origins:
        fits = all(isinstance(item, str) for item in value)
    if isinstance(value, dict):
        numbers = [type(number) in (int, float) for number in value.values()]
        fits = fits and all(numbers)
    if not fits:
        raise InvalidConfig(name, f"expected {' or '.join(wanted)}, got {value!r}")


def check_bounds(name: str, value: Any, bounds: dict[str, float]) -> None:
    """Raise `InvalidConfig` unless `value` lies within the declared bounds."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    holds = {
        "ge": lambda v, b: v >= b,
        "gt": lambda v, b: v > b,
        "le": lambda v, b: v <= b,
        "lt": lambda v, b: v < b,
    }
    for key, bound in bounds.items():
        if not holds[key](value, bound):  # NaN fails every comparison
            wanted = " and ".join(f"{signs[k]} {b}" for k, b in bounds.items())
            raise InvalidConfig(name, f"expected a value {wanted}, got {value!r}")
