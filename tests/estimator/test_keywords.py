"""Settings as keywords of `estimate_w1`."""

from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from kantor.estimator import EstimateConfig, InvalidConfig, estimate_w1
from kantor.estimator.keywords import SettingKeywords

X, Y = np.random.default_rng(0).normal(size=(2, 100, 2))


def parts(hint: Any) -> set[Any]:
    is_union = get_origin(hint) in (Union, UnionType)
    return set(get_args(hint)) if is_union else {hint}


def test_keywords_are_the_settings() -> None:
    assert list(get_type_hints(SettingKeywords)) == [
        item.name for item in fields(EstimateConfig)
    ]


@pytest.mark.parametrize("name", [item.name for item in fields(EstimateConfig)])
def test_a_keyword_takes_what_the_setting_takes(name: str) -> None:
    keyword = parts(get_type_hints(SettingKeywords)[name]) - {list[str]}
    assert keyword == parts(get_type_hints(EstimateConfig)[name])


def test_keywords_stand_over_a_configuration() -> None:
    config = EstimateConfig(effort="quick", seed=3, steps=5)
    found = estimate_w1(X, Y, config, seed=4, sample_bounds=False)
    assert (found.seed, found.steps) == (4, 5)
    assert found.config == config.replace(seed=4, sample_bounds=False).to_dict()


def test_a_keyword_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(InvalidConfig, match="effort: expected one of"):
        estimate_w1(X, Y, effort="fast")  # type: ignore[arg-type]


def test_a_word_that_is_no_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="sede"):
        estimate_w1(X, Y, sede=1)  # type: ignore[call-arg]


def test_a_bar_is_shown_on_request(capfd: pytest.CaptureFixture[str]) -> None:
    reports: list[int] = []
    estimate_w1(
        X, Y, effort="quick", steps=5, sample_bounds=False, progress=True,
        on_progress=lambda progress: reports.append(progress.step),
    )  # fmt: skip
    assert reports
    assert "Traceback" not in capfd.readouterr().err
