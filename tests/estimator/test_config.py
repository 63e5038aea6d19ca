"""Settings: ranges are enforced, documented, and survive JSON."""

from dataclasses import fields
from typing import Any

import pytest

from estimator import EstimateConfig, InvalidConfig

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


def test_survives_a_round_trip() -> None:
    config = EstimateConfig(effort="quick", seed=7, width=64)
    assert EstimateConfig.from_dict(config.to_dict()) == config


def test_every_setting_says_what_it_means() -> None:
    assert all(len(item.metadata["meaning"]) > 10 for item in fields(EstimateConfig))
