"""The coverage benchmark counts misses and knows P = Q from a known distance."""

from pathlib import Path

import pytest

from benchmarks.coverage import Trial, misses, parser, rate, recorded, run, trial
from benchmarks.problems import select
from kantor.estimator import EstimateConfig

CONFIG = EstimateConfig(effort="quick", width=16, steps=5, sample_bounds=False)


@pytest.mark.parametrize("null", [False, True])
def test_trial_bounds_what_it_says(null: bool) -> None:
    problem = next(select("shift-2d"))
    found = trial(problem, 200, CONFIG, null=null)
    assert found.truth == (0.0 if null else 1.0)
    # 20,000 fresh samples a side: the mean difference errs by about 0.01.
    assert found.attained <= found.truth + 0.05
    assert (found.p_value < 0.05) == (not null)


def test_misses_compare_with_each_value() -> None:
    known = Trial(0, False, {"betting": 0.9}, truth=1.0, attained=0.8, p_value=0.0)
    same = Trial(0, True, {"betting": -0.1}, truth=0.0, attained=0.0, p_value=0.5)
    assert misses("betting", [known], [same]) == [[False], [True], [False]]


def test_a_record_is_gone_on_with(tmp_path: Path) -> None:
    record = tmp_path / "trials.jsonl"
    asked = "--problems shift-1d --n 60 --width 16 --steps 1 --count"
    first = run(parser().parse_args([*asked.split(), "1", "--record", str(record)]))
    lines = record.read_text()
    every = run(parser().parse_args([*asked.split(), "2", "--record", str(record)]))
    assert record.read_text().startswith(lines)
    assert every[:2] == first
    assert [(t.seed, t.null) for t in recorded([record, record])] == [
        (0, False), (0, True), (1, False), (1, True)
    ]  # fmt: skip


def test_critics_are_those_of_the_effort_where_nothing_is_said() -> None:
    plain = parser().parse_args([])
    assert plain.width is None
    assert plain.steps is None


def test_rate_has_an_exact_interval() -> None:
    assert rate([False] * 19 + [True]) == "1/20 = 5.0 % (0.1 to 24.9)"


def test_no_rate_without_trials() -> None:
    assert rate([]) == "none run"
