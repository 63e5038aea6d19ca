"""The settings of `EstimateConfig` as keyword arguments, for editors and type checkers.

A test holds this against `EstimateConfig`, which alone says what each setting means.
"""

from typing import Literal, TypedDict

from kantor.estimator.config import (
    BoundMethod,
    ConstraintName,
    Dates,
    Effort,
    Family,
    MissingRule,
    Names,
    OptimizerName,
    Scaling,
)
from kantor.models.vocabulary import ActivationName, Norm


class SettingKeywords(TypedDict, total=False):
    """Any settings of an estimation, by name."""

    effort: Effort
    seed: int
    confidence: float
    bound_method: BoundMethod
    scaling: Scaling
    columns: Literal["common"] | Names | list[str] | None
    drop: Names | list[str]
    na: MissingRule
    dates: Dates
    category_weight: float | None
    category_weights: dict[str, float] | None
    folds: int
    norm: Norm
    critic: Family
    constraint: ConstraintName | None
    optimizer: OptimizerName | None
    activation: ActivationName
    bjorck_order: int
    bjorck_iterations: int
    depth: int | None
    width: int | None
    group_size: int | None
    cones: int | None
    steps: int | None
    batch_size: int | None
    learning_rate: float | None
    max_weight: float | None
    sample_bounds: bool
    self_check: bool | None
    device: str
