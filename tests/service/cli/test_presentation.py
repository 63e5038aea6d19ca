from typing import Any

from rich.console import Console

from kantor.service.cli.presentation import show_result

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


def shown(*, plots: bool = False, **changes: Any) -> str:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        show_result(console, RESULT | changes, plots=plots)
    return capture.get()


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


def test_plots_are_drawn_where_they_are_wanted() -> None:
    point = {"elapsed_s": 0.1, "train": 1.0}
    changes = {
        "curve": [point | {"step": s, "validation": 0.1 * s} for s in range(5)],
        "differences": RESULT["differences"]
        | {"histogram": {"edges": [0, 1, 2], "source": [0, 1], "target": [1, 0]}},
    }
    assert "Training: dual objective" in shown(plots=True, **changes)
    assert "Training: dual objective" not in shown(**changes)
