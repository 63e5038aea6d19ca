"""The coverage benchmark counts misses and knows P = Q from a known distance."""

import pytest

from benchmarks.coverage import Trial, misses, rate, trial
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
    known = Trial({"betting": 0.9}, truth=1.0, attained=0.8, p_value=0.0)
    same = Trial({"betting": -0.1}, truth=0.0, attained=0.0, p_value=0.5)
    assert misses("betting", [known], [same]) == [[False], [True], [False]]


def test_rate_has_an_exact_interval() -> None:
    assert rate([False] * 19 + [True]) == "1/20 = 5.0 % (0.1 to 24.9)"
