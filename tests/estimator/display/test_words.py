from typing import Any

import pytest

from kantor.estimator import Estimate
from kantor.estimator.display.words import bracket_of, numbers_of, verdict


@pytest.mark.parametrize(
    ("bound", "words"),
    [(0.8, "W1 is at least 0.8 (95 % confidence"), (0.0, "No difference shown")],
)
def test_a_verdict_claims_no_more_than_the_bound(
    of_arrays: Estimate, bound: float, words: str
) -> None:
    assert words in verdict(of_arrays.to_dict() | {"lower_bound": bound})


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


def test_every_number_says_what_it_means(of_arrays: Estimate) -> None:
    lines = list(numbers_of(of_arrays.to_dict()))
    assert {line.name for line in lines} >= {"lower bound", "estimate", "p-value"}
    assert all(line.meaning.endswith(".") and line.value for line in lines)
