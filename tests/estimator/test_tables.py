"""`estimate_w1` of tables: nothing by accident, one stated metric, named answers."""

import json
from functools import cache
from typing import Any

import numpy as np
import ot
import pytest

from kantor.estimator import (
    Estimate,
    EstimateConfig,
    InvalidConfig,
    InvalidSamples,
    estimate_w1,
)
from kantor.estimator.samples.sides import Named, prepared
from kantor.estimator.witness.document import CriticFile, score

QUICK = EstimateConfig(effort="quick", critic="cones", steps=30, sample_bounds=False)
CITIES = ["Bonn", "Köln", "Ulm"]


def mixed(seed: int, n: int = 60, *, gaps: float = 0.0, shift: float = 0.0) -> Any:
    rng = np.random.default_rng(seed)
    age = rng.normal(40.0, 10.0, n) + shift
    city = rng.choice(CITIES, n, p=[0.5, 0.3, 0.2]).astype(object)
    age[rng.random(n) < gaps] = np.nan
    city[rng.random(n) < gaps] = None
    return {"age": age, "city": city, "paid": rng.random(n) < 0.5}


@cache
def of_gaps() -> Estimate:
    x, y = mixed(0, 300, gaps=0.1), mixed(1, 300, gaps=0.1, shift=12.0)
    return estimate_w1(x, y, QUICK.replace(na="indicator"))


def test_a_document_of_tables_is_json_and_its_config_valid_again() -> None:
    document = json.loads(json.dumps(of_gaps().to_dict(), allow_nan=False))
    config = EstimateConfig.from_dict(document["config"])
    assert config == QUICK.replace(na="indicator")
    names = [column["name"] for column in document["columns"]]
    assert names == ["age", "city", "paid"]
    assert "age" in document["metric"]


def test_attribution_is_of_columns_and_adds_up() -> None:
    found = of_gaps().differences.attribution
    assert {item.column for item in found} == {"age", "city", "paid"}
    assert found[0].column == "age"
    assert sum(item.share for item in found) <= 1.0 + 1e-9


def test_extremes_are_whole_rows_of_the_given_table() -> None:
    given = mixed(1, 300, gaps=0.1, shift=12.0)
    for extreme in of_gaps().differences.target_extremes:
        sample = extreme.sample
        assert sample is not None
        for name, value in sample.items():
            told = given[name][extreme.row]
            assert value == told or (value is None and (told is None or told != told))


def test_no_column_is_further_apart_than_the_tables() -> None:
    x, y = mixed(0, 200), mixed(1, 200, shift=12.0)
    found = estimate_w1(x, y, QUICK.replace(sample_bounds=True))
    assert found.by_column is not None
    assert found.sample_upper_bound is not None
    assert max(item.w1 for item in found.by_column) <= found.sample_upper_bound
    assert found.by_column[0].p_adjusted == pytest.approx(0.003)


def test_rows_that_lack_a_value_are_dropped_and_rows_keep_their_numbers() -> None:
    x, y = mixed(0, 300, gaps=0.1), mixed(1, 300, gaps=0.1, shift=12.0)
    found = estimate_w1(x, y, QUICK.replace(na="drop"))
    assert "rows of the source were left out" in found.warnings[0]
    for extreme in found.differences.source_extremes:
        assert extreme.sample is not None
        assert extreme.sample["age"] == x["age"][extreme.row]


def test_weights_belong_to_the_rows_that_are_left() -> None:
    x, y = mixed(0, 300, gaps=0.1), mixed(1, 300)
    weights = np.where(np.isnan(x["age"]), 1.0, 0.5)
    found = estimate_w1(x, y, QUICK.replace(na="drop"), source_weights=weights)
    assert found.by_column is not None
    assert found.by_column[0].p_value is None
    assert found.n_source < 300


def test_a_critic_scores_other_tables_by_name() -> None:
    critic = of_gaps().critic
    table = mixed(2, 50, gaps=0.2)
    turned = dict(reversed(table.items()))
    assert np.array_equal(score(critic, table), score(critic, turned))
    with pytest.raises(InvalidSamples, match="received 'Rom'"):
        score(critic, table | {"city": ["Rom"] * 50})
    with pytest.raises(InvalidSamples, match="'paid' is missing"):
        score(critic, {"age": table["age"], "city": table["city"]})
    with pytest.raises(InvalidSamples, match="expected a table with the columns"):
        score(critic, np.zeros((3, 6)))


def named_partition(x: Any, y: Any, config: EstimateConfig) -> tuple[Any, Named]:
    partition, named = prepared(x, y, config)
    assert named is not None
    return partition, named


def test_the_certificate_holds_between_rows_to_rounding() -> None:
    x, y = mixed(0, 300, gaps=0.1), mixed(1, 300, gaps=0.1, shift=12.0)
    _, named = named_partition(x, y, QUICK.replace(na="indicator"))
    file = CriticFile.from_bytes(of_gaps().critic)
    u = np.asarray(named.encoded.x, dtype=np.float64)
    v = np.random.default_rng(0).permutation(
        np.asarray(named.encoded.y, dtype=np.float64)
    )
    steps = np.abs(file.potential(u) - file.potential(v))
    assert (steps <= named.metric.distances(u, v) + 1e-9).all()


def exact(named: Named, norm: str) -> float:
    """Return W1 of the given rows by the linear program, in the stated metric."""
    u, v = (
        np.asarray(side, dtype=np.float64)
        for side in (named.encoded.x, named.encoded.y)
    )
    pairs = np.abs((u[:, None] - v[None]) / named.metric.deviation)
    costs = pairs.max(-1) if norm == "linf" else np.sqrt((pairs**2).sum(-1))
    uniform = [np.full(len(side), 1.0 / len(side)) for side in (u, v)]
    return float(ot.emd2(*uniform, costs))


@pytest.mark.parametrize(
    "block", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, 10))]
)
def test_the_bounds_bracket_the_linear_program(block: int) -> None:
    for seed in range(10 * block, 10 * block + 10):
        gaps, shift = 0.15 * (seed % 2), float(seed % 3) * 5.0
        x = mixed(2 * seed, gaps=gaps)
        y = mixed(2 * seed + 1, gaps=gaps, shift=shift)
        config = QUICK.replace(
            na="indicator",
            seed=seed,
            steps=5,
            sample_bounds=True,
            norm="linf" if seed % 5 == 4 else "l2",
            scaling="standardize" if seed % 4 == 1 else "auto",
            category_weights={"city": 3.0} if seed % 3 == 0 else None,
        )
        found = estimate_w1(x, y, config)
        value = exact(named_partition(x, y, config)[1], config.norm)
        assert found.sample_lower_bound is not None
        assert found.sample_upper_bound is not None
        assert found.sample_lower_bound <= value * (1 + 1e-9)
        assert found.sample_upper_bound >= value * (1 - 1e-9)


def test_columns_of_other_units_are_standardized_and_it_is_said_first() -> None:
    rng = np.random.default_rng(0)
    x, y = (
        {"year": rng.normal(2000, 10, 200), "share": rng.normal(0, 0.01, 200)}
        for _ in range(2)
    )
    found = estimate_w1(x, y, QUICK)
    assert found.warnings[0].startswith("The deviations of the columns differ")
    assert found.config["scaling"] == "auto"
    plain = estimate_w1(x, y, QUICK.replace(scaling="scalar"))
    assert "dominate the distance" in plain.warnings[0]


def test_an_array_takes_the_names_of_the_other_side_and_it_is_said() -> None:
    rng = np.random.default_rng(0)
    x = {"id": np.arange(100), "a": rng.normal(size=100), "b": rng.normal(size=100)}
    found = estimate_w1(x, rng.normal(size=(100, 2)), QUICK)
    assert "has no names" in found.warnings[0]
    assert [column.name for column in found.columns or []] == ["a", "b"]
    with pytest.raises(InvalidSamples, match="received 5 without names"):
        estimate_w1(x, rng.normal(size=(100, 5)), QUICK)


def test_arrays_have_no_names_and_settings_that_name_columns_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(100, 2))
    found = estimate_w1(x, x + 1.0, QUICK)
    assert (found.columns, found.metric, found.by_column) == (None, None, None)
    assert found.differences.source_extremes[0].sample is None
    with pytest.raises(InvalidConfig, match="neither side has names"):
        estimate_w1(x, x, QUICK.replace(drop=("a",)))


def test_what_is_imputed_may_not_depend_on_tested_rows() -> None:
    x, y = mixed(0, 100, gaps=0.1), mixed(1, 100)
    with pytest.raises(InvalidConfig, match="column 'age'"):
        estimate_w1(x, y, QUICK.replace(na="indicator", folds=2))
    found = estimate_w1(x, y, QUICK.replace(na="drop", folds=2))
    assert found.columns is not None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"columns": "all"}, "expected 'common' or a list of names or null"),
        ({"drop": "a"}, "expected a list of names"),
        ({"drop": [1]}, "expected a list of names"),
        ({"category_weights": {"a": "1"}}, "expected numbers by name"),
        ({"category_weights": {"a": 0.0}}, "expected a number > 0 for 'a'"),
    ],
)
def test_settings_of_columns_are_checked(given: Any, reason: str) -> None:
    with pytest.raises(InvalidConfig, match=reason):
        EstimateConfig.from_dict(given)
