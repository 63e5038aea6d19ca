"""Comparisons say what was found, what it cost and where a bound was wrong."""

import numpy as np
import pytest

from benchmarks.answers import Answer, Array
from benchmarks.comparisons import (
    Comparison,
    compared,
    missed,
    print_summary,
    tell_missing,
)
from benchmarks.measurements import Outcome
from benchmarks.problems import select
from benchmarks.real_pairs import REAL_PAIRS
from benchmarks.rivals import NONE, Rival


def comparison(
    *answers: Answer, w1: float | None = 2.0, case: str = "planes"
) -> Comparison:
    outcomes = [Outcome(answer, 3.0, 2**20) for answer in answers]
    return Comparison(case, w1, "method", "some bound", outcomes)


def first_feature(x: Array, y: Array, seed: int) -> Answer:
    return Answer(float(x[0, 0]) + seed)


def refusing(x: Array, y: Array, seed: int) -> Answer:
    raise SystemExit(3)


def test_row_has_mean_and_deviation_over_seeds() -> None:
    row = comparison(Answer(1.0), Answer(2.0)).row()
    assert row == ["method", "1.500 ± 0.707", "2.000", "0.75", "some bound", "3.0", "1"]


def test_row_of_a_certified_method_has_its_bound() -> None:
    row = comparison(Answer(1.0, 0.5), Answer(1.0, 0.7)).row()
    assert row[4] == "W1 ≥ 0.600, 95 %"


@pytest.mark.parametrize(("w1", "told"), [(None, "unknown"), (0.0, "0.000")])
def test_there_is_no_share_of_nothing(w1: float | None, told: str) -> None:
    found = comparison(Answer(1.0), w1=w1)
    assert found.share is None
    assert found.row()[1:4] == ["1.000", told, ""]


def test_bounds_above_the_truth_are_counted() -> None:
    known = comparison(Answer(1.0, 1.9), Answer(1.0, 2.1), Answer(1.0, 2.2))
    unknown = comparison(Answer(1.0, 9.9), w1=None)
    assert missed([known, unknown]) == "2 of 3 lower bounds above W1"


def test_summary_has_shares_and_values_in_brackets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_summary(
        [
            comparison(Answer(1.0)),
            comparison(Answer(3.0), w1=1.0, case="flats"),
            comparison(Answer(0.2), w1=0.0, case="halves"),
        ]
    )
    cells = capsys.readouterr().out.splitlines()[-1].split("|")[1:-1]
    stripped = [cell.strip() for cell in cells]
    # Off by half and by two.
    assert stripped == ["method", "0.50", "3.00", "(0.20)", "1.25", "3.0"]


def test_every_method_sees_the_same_samples_and_failures_are_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rivals = {
        "fails": Rival(refusing, NONE),
        "first": Rival(first_feature, NONE),
        "absent": Rival(first_feature, NONE, "no_such_package"),
        "again": Rival(first_feature, NONE),
    }
    case = next(select("shift-2d"))
    first, again = compared(case, rivals, n=50, seeds=[0, 1])
    assert (first.method, again.method) == ("first", "again")
    assert first.value == again.value
    x, _ = case.sample(50, np.random.default_rng([1, 50]))
    assert first.outcomes[1].answer.value == pytest.approx(x[0, 0] + 1)
    assert "outcome of fails, got exit status 3" in capsys.readouterr().err


def test_skipped_methods_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell_missing({"absent": Rival(first_feature, NONE, "no_such_package")})
    assert "absent, as no_such_package is not installed" in capsys.readouterr().out


def test_halves_are_a_case_too() -> None:
    rivals = {"first": Rival(first_feature, NONE)}
    (found,) = compared(REAL_PAIRS["digits-halves"], rivals, n=9, seeds=[0])
    assert found.w1 == 0.0
