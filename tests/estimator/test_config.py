"""Settings: ranges are enforced, documented, and survive JSON."""

from dataclasses import fields
from typing import Any

import pytest

from kantor.estimator import EstimateConfig, InvalidConfig
from kantor.estimator.recipe import fitting_group_size, recipe_for

BAD: list[tuple[str, Any, str]] = [
    ("effort", "fast", "expected one of"),
    ("seed", -1, ">= 0"),
    ("seed", 2**63, "<="),
    ("seed", 1.5, "expected int, got 1.5"),
    ("seed", True, "expected int, got True"),
    ("confidence", 1.0, "< 1.0"),
    ("confidence", float("nan"), "got nan"),
    ("confidence", "0.95", "expected float"),
    ("learning_rate", 0.0, "> 0.0"),
    ("steps", 0, ">= 1"),
    ("sample_bounds", 1, "expected bool"),
    ("bound_method", None, "expected one of"),
    ("constraint", ["stiefel"], "expected one of"),
    ("device", "../../etc/passwd", "expected auto, cpu, cuda or cuda:<index>"),
    ("device", "cuda:" + "9" * 80, "expected auto, cpu, cuda or cuda:<index>"),
    ("device", "cpu\n", "expected auto, cpu, cuda or cuda:<index>"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_refuses_values_and_names_the_field(name: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        EstimateConfig(**{name: value})
    assert refused.value.field == name
    assert reason in refused.value.reason


def test_refuses_unknown_names() -> None:
    with pytest.raises(InvalidConfig, match="stepz: unknown setting"):
        EstimateConfig.from_dict({"stepz": 3})


def test_refuses_a_group_size_that_does_not_divide_the_width() -> None:
    with pytest.raises(InvalidConfig, match="divisor of width 128, got 3"):
        EstimateConfig(width=128, group_size=3)


TOGETHER: list[tuple[dict[str, Any], str, str]] = [
    ({"norm": "linf", "constraint": "stiefel"}, "constraint", "l1 for norm linf"),
    ({"norm": "linf", "constraint": "mixed"}, "constraint", "l1 for norm linf"),
    ({"constraint": "l1"}, "constraint", "mixed has the same layers"),
    ({"constraint": "bjorck", "optimizer": "manifold"}, "optimizer", "bjorck does not"),
    ({"norm": "linf", "optimizer": "manifold"}, "optimizer", "l1 does not keep"),
    ({"activation": "relu", "group_size": 4}, "group_size", "null for activation relu"),
    ({"activation": "maxmin", "group_size": 2}, "group_size", "null for activation"),
    ({"activation": "maxmin", "width": 65}, "width", "even width for activation"),
    ({"activation": "maxout", "width": 64, "group_size": 3}, "group_size", "divisor"),
]


@pytest.mark.parametrize(("settings", "field", "reason"), TOGETHER)
def test_refuses_what_does_not_go_together(
    settings: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidConfig) as refused:
        EstimateConfig(**settings)
    assert refused.value.field == field
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    ("settings", "constraint", "optimizer"),
    [
        ({}, "stiefel", "manifold"),
        ({"norm": "linf"}, "l1", "adam"),
        ({"constraint": "bjorck"}, "bjorck", "adam"),
        ({"optimizer": "sgd"}, "stiefel", "sgd"),
    ],
)
def test_chooses_what_suits(
    settings: dict[str, Any], constraint: str, optimizer: str
) -> None:
    chosen = recipe_for(EstimateConfig(**settings), 10_000).networks
    assert (chosen.constraint, chosen.optimizer) == (constraint, optimizer)


@pytest.mark.parametrize(
    ("width", "wanted", "size"),
    [(64, 16, 16), (65, 16, 13), (67, 16, 67), (2, 16, 2), (7, 2, 7), (12, 5, 4)],
)
def test_groups_divide_every_width_and_are_never_alone(
    width: int, wanted: int, size: int
) -> None:
    assert fitting_group_size(width, wanted) == size


def test_survives_a_round_trip() -> None:
    config = EstimateConfig(effort="quick", seed=7, width=64)
    assert EstimateConfig.from_dict(config.to_dict()) == config


def test_every_setting_says_what_it_means() -> None:
    assert all(len(item.metadata["meaning"]) > 10 for item in fields(EstimateConfig))
