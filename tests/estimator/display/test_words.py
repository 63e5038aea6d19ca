from typing import Any

import pytest

from kantor.estimator import Estimate
from kantor.estimator.display.words import bracket_of, numbers_of, verdict


@pytest.mark.parametrize(
    ("bound", "p_value", "words"),
    [
        (0.8, 0.001, "The distributions differ: W1 is at least 0.8 (95 % confidence"),
        (0.0, 0.4, "No difference shown: at 95 % confidence"),
        (0.0, 0.001, "The distributions differ (p = 0.001), but these samples do not"),
    ],
)
def test_a_verdict_claims_no_more_than_the_bound_and_the_test(
    of_arrays: Estimate, bound: float, p_value: float, words: str
) -> None:
    changes = {"lower_bound": bound, "p_value": p_value}
    assert verdict(of_arrays.to_dict() | changes).startswith(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "between 1 and 2 (exact)"),
        ({"sample_upper_bound": None}, "at least 1 (no upper bound: exact)"),
        ({"sample_lower_bound": None}, "not computed (exact)"),
    ],
)
def test_a_bracket_says_what_is_missing(changes: dict[str, Any], words: str) -> None:
    result = {
        "sample_lower_bound": 1.0,
        "sample_upper_bound": 2.0,
        "sample_upper_bound_reason": "exact",
    }
    assert bracket_of(result | changes) == words


def test_a_planted_difference_is_told_where_there_is_one(of_arrays: Estimate) -> None:
    result = of_arrays.to_dict()
    names = {line.name for line in numbers_of(result)}
    assert "self-check" not in names
    planted = {"distance": 2.0, "found": 1.5, "standard_error": 0.1, "share": 0.75}
    lines = {x.name: x.value for x in numbers_of(result | {"self_check": planted})}
    assert lines["self-check"] == "1.5 of 2 found"


def test_every_number_says_what_it_means(of_arrays: Estimate) -> None:
    lines = list(numbers_of(of_arrays.to_dict()))
    assert {line.name for line in lines} >= {"lower bound", "estimate", "p-value"}
    assert all(line.meaning.endswith(".") and line.value for line in lines)
