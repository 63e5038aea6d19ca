"""Shape classes: which small jobs train as one batch."""

from typing import Any

import pytest

from kantor.estimator import EstimateConfig
from kantor.estimator.workload import shape_class

QUICK = EstimateConfig(effort="quick")


def kind(n: int = 2000, m: int = 2000, dim: int = 32, **settings: Any) -> str | None:
    return shape_class(QUICK.replace(**settings), n, m, dim)


def test_a_seed_and_a_few_rows_make_no_other_kind() -> None:
    assert kind() == kind(seed=7) == kind(m=2500) is not None


@pytest.mark.parametrize(
    "other",
    [{"dim": 31}, {"effort": "standard"}, {"folds": 2}, {"device": "cpu"}, {"n": 200}],
    ids=str,
)
def test_other_shapes_and_settings_are_of_another_kind(other: dict[str, Any]) -> None:
    assert kind(**other) != kind()


def test_large_jobs_are_of_no_kind() -> None:
    assert kind(effort="thorough", n=10**5, m=10**5) is None
    assert kind(width=2048, depth=8) is None
