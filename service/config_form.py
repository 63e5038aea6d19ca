"""Describe every setting of an estimation, so that a form can be built from it.

All of it is derived from the metadata of `EstimateConfig`; what is said here is only
which settings stand together. One that nobody has put anywhere stands under "More".
"""

from dataclasses import dataclass, fields
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from kantor.estimator.config import EstimateConfig, choices_of

FieldType = Literal["choice", "boolean", "integer", "number", "text", "list", "json"]

COMMON = "Common"
MORE = "More"
GROUPS: dict[str, tuple[str, ...]] = {
    COMMON: ("effort", "confidence", "scaling", "norm", "seed"),
    "Evidence": (
        "folds",
        "bound_method",
        "sample_bounds",
        "self_check",
        "max_weight",
    ),
    "Tables": (
        "columns", "drop", "na", "dates", "category_weight", "category_weights",
    ),
    "Critic": (
        "critic", "constraint", "activation", "depth", "width", "group_size", "cones",
        "bjorck_order", "bjorck_iterations",
    ),
    "Training": ("optimizer", "steps", "batch_size", "learning_rate", "device"),
}  # fmt: skip
"""Settings by what they are about; the common ones are those most people look at."""

_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
_SIMPLE: dict[type, FieldType] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
}


@dataclass(frozen=True, kw_only=True)
class SettingView:
    """One setting as a field of a form.

    Attributes:
        name: As in `config` of a job.
        group: Settings of one group belong together.
        type: How it is entered; a `list` holds words, `json` anything.
        choices: The words that a `choice` may be.
        nullable: Whether it may be null: chosen by effort and data.
        default: What holds where nothing is said.
        bounds: Limits by `ge`, `gt`, `le`, `lt`.
        meaning: One sentence for its reader.
    """

    name: str
    group: str
    type: FieldType
    choices: list[str]
    nullable: bool
    default: Any
    bounds: dict[str, float]
    meaning: str


@cache
def setting_views() -> tuple[SettingView, ...]:
    """Return every setting, the groups in order, in each the order of `GROUPS`."""
    hints = get_type_hints(EstimateConfig)
    views = [_view(item, hints[item.name]) for item in fields(EstimateConfig)]
    places = {name: place for place, name in enumerate(_GROUP_OF)}
    return tuple(sorted(views, key=lambda view: places.get(view.name, len(places))))


def _view(item: Any, hint: Any) -> SettingView:
    return SettingView(
        name=item.name,
        group=_GROUP_OF.get(item.name, MORE),
        type=_type_of(hint),
        choices=choices_of(hint),
        nullable=NoneType in get_args(hint),
        default=item.default,
        bounds=item.metadata["bounds"],
        meaning=item.metadata["meaning"],
    )


def _type_of(hint: Any) -> FieldType:
    """Tell how a value of an annotated type is entered."""
    parts = [part for part in get_args(hint) or (hint,) if part is not NoneType]
    if get_origin(hint) in (tuple, list):
        return "list"
    if any(get_origin(part) in (tuple, list) for part in parts):
        return "list"
    if choices_of(hint):
        return "choice"
    return _SIMPLE.get(parts[0], "json") if len(parts) == 1 else "json"
