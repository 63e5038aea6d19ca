from typing import Any

import pytest
from rich.console import Console

from kantor.service.cli.presentation import progress_bar, show_result, verdict

RESULT: dict[str, Any] = {
    "estimate": 1.0, "standard_error": 0.1, "lower_bound": 0.8, "confidence": 0.95,
    "bound_method": "betting", "p_value": 0.001, "sample_lower_bound": 0.9,
    "sample_upper_bound": 1.5, "sample_upper_bound_reason": "exact",
    "certificate": {"lipschitz_bound": 1.0, "layers": [{}]},
    "n_source": 5000, "n_target": 60, "dim": 2, "steps": 10, "elapsed_s": 1.0,
    "stop_reason": "converged", "warnings": ["look [here]"], "device": "cpu",
    "detectable_distance": 0.4, "critic_family": "affine",
    "differences": {
        "source_extremes": [{"row": 31, "value": 1.5}],
        "target_extremes": [{"row": 47, "value": -2.0}],
        "attribution": [
            {"feature": 1, "share": 0.995, "slope": -0.9},
            {"feature": 0, "share": 0.005, "slope": 0.1},
        ],
    },
}  # fmt: skip


def shown(**changes: Any) -> str:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        show_result(console, RESULT | changes)
    return capture.get()


@pytest.mark.parametrize(
    ("bound", "words"),
    [(0.8, "at least 0.8 (95 % confidence"), (0.0, "No difference shown")],
)
def test_a_verdict_claims_no_more_than_the_bound(bound: float, words: str) -> None:
    assert words in verdict(RESULT | {"lower_bound": bound})


def test_a_result_is_shown_with_what_supports_it() -> None:
    text = shown()
    for words in (
        "1 ± 0.1", "0.8 (betting)", "between 0.9 and 1.5 (exact)", "1 layer, affine",
        "1 (100 %)", "source 31; target 47", "5,000 and 60", "warning: look [here]",
    ):  # fmt: skip
        assert words in text


def test_a_bound_that_is_missing_says_why() -> None:
    text = shown(sample_upper_bound=None, sample_upper_bound_reason="no time")
    assert "at least 0.9 (no upper bound: no time)" in text
    assert "W1 of the given samples" not in shown(sample_lower_bound=None)


def test_progress_may_come_before_the_first_value() -> None:
    console = Console(file=None, width=80)
    with console.capture(), progress_bar(console, "training") as update:
        update(0, 10, None)
        update(5, 10, 0.25)
