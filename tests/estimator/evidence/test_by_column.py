from typing import Any

import numpy as np
import ot
import pytest

from kantor.estimator.evidence.by_column import (
    column_distances,
    holm,
    permutation_p_values,
)
from kantor.estimator.result import ColumnDistance
from kantor.estimator.samples.encoding import Encoded, encoded
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.matching import match
from kantor.estimator.samples.metric import fit_metric


def sides(seed: int, n: int, m: int, shift: float = 0.0) -> Encoded:
    rng = np.random.default_rng(seed)

    def side(rows: int, by: float) -> dict[str, Any]:
        return {
            "age": rng.normal(40 + 10 * by, 10, rows),
            "rooms": rng.integers(1, 5, rows),
            "city": rng.choice(
                ["a", "b", "c"], rows, p=[0.2 + 0.2 * by, 0.4, 0.4 - 0.2 * by]
            ),
            "paid": rng.random(rows) < 0.5,
        }

    source, target = (table_of("source", side(*a)) for a in ((n, 0.0), (m, shift)))
    assert source is not None
    assert target is not None
    return encoded(match(source, target))


def distances(samples: Encoded, **settings: Any) -> dict[str, ColumnDistance]:
    metric = fit_metric(samples.parts, samples.x, samples.y, scaling="standardize")
    found = column_distances(samples, metric, seed=0, **settings)
    return {column.column: column for column in found}


@pytest.mark.parametrize("weighted", [False, True])
def test_each_column_is_the_linear_programs_optimum(weighted: bool) -> None:
    samples, rng = sides(0, 50, 60, 1.0), np.random.default_rng(1)
    metric = fit_metric(samples.parts, samples.x, samples.y, scaling="standardize")
    weights = [
        rng.random(len(s)) if weighted else np.ones(len(s))
        for s in (samples.x, samples.y)
    ]
    given = (
        dict(zip(("x_weights", "y_weights"), weights, strict=True)) if weighted else {}
    )
    found = distances(samples, **given)
    for part in samples.parts:
        place = slice(part.start, part.stop)
        u, v = (
            np.asarray(s[:, place], float) / metric.deviation[place]
            for s in (samples.x, samples.y)
        )
        cost = ot.dist(u, v, metric="euclidean")
        a, b = (w / w.sum() for w in weights)
        assert found[part.column.name].w1 == pytest.approx(
            ot.emd2(a, b, cost), abs=1e-9
        )


def test_no_column_is_further_apart_than_all_together() -> None:
    for seed in range(20):
        samples = sides(seed, 40, 45, 0.3)
        metric = fit_metric(samples.parts, samples.x, samples.y, scaling="standardize")
        u, v = (np.asarray(s, float) / metric.deviation for s in (samples.x, samples.y))
        joint = ot.emd2([], [], ot.dist(u, v, metric="euclidean"))
        assert max(c.w1 for c in distances(samples).values()) <= joint + 1e-9


def test_a_shifted_column_stands_out_and_the_others_do_not() -> None:
    found = distances(sides(3, 400, 500, 1.0))
    assert found["age"].p_adjusted == pytest.approx(0.004)
    assert found["age"].w1_in_units == pytest.approx(10.0, abs=2.0)
    assert found["city"].p_adjusted is not None
    assert found["city"].p_adjusted < 0.01
    assert found["paid"].p_adjusted is not None
    assert found["paid"].p_adjusted > 0.05
    assert found["paid"].w1_in_units is None


def test_p_values_are_uniform_where_nothing_differs() -> None:
    # 120 columns of 60 rows; binomial(120, 0.1) is below 24 with probability 0.999
    small = []
    for seed in range(30):
        samples = sides(100 + seed, 60, 60)
        metric = fit_metric(samples.parts, samples.x, samples.y)
        small += [p <= 0.1 for p in permutation_p_values(samples, metric, seed=seed)]
    assert 2 <= sum(small) < 24


def test_weighted_samples_have_no_p_value() -> None:
    samples = sides(0, 50, 50)
    found = distances(samples, x_weights=np.ones(50), y_weights=None)
    assert found["age"].p_value is None
    assert found["age"].p_adjusted is None


def test_holm_multiplies_the_smallest_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
