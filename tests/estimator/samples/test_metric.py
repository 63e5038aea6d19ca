"""The encoding is an isometry: distances are what the sentence of the metric says."""

from typing import Any, Literal

import numpy as np
import pytest

from kantor.estimator.errors import InvalidConfig
from kantor.estimator.samples.encoding import Encoded, encoded
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.matching import Matched, match
from kantor.estimator.samples.metric import Metric, fit_metric
from kantor.estimator.samples.missing import complete

N = 80
NORMS: list[Literal["l2", "linf"]] = ["l2", "linf"]


def mixed(seed: int, gaps: bool = False) -> Matched:
    rng = np.random.default_rng(seed)

    def side() -> Any:
        x = rng.normal(size=N)
        x[rng.random(N) < 0.2 * gaps] = np.nan
        city = rng.choice(["a", "b", "c", "d"], N).astype(object)
        city[rng.random(N) < 0.2 * gaps] = None
        return {
            "x": x,
            "y": 3 * rng.normal(size=N),
            "city": city.tolist(),
            "paid": (rng.random(N) < 0.5).tolist(),
        }

    source, target = (table_of("source", side()) for _ in range(2))
    assert source is not None
    assert target is not None
    return complete(match(source, target), "indicator").matched


def metric_of(samples: Encoded, **settings: Any) -> Metric:
    return fit_metric(samples.parts, samples.x, samples.y, **settings)


def stated_distances(
    matched: Matched, metric: Metric, samples: Encoded, rows: Any
) -> Any:
    """Distances of pairs of rows, computed from the table as the sentence has it."""
    terms = []
    for part in samples.parts:
        place = [c.name for c in matched.columns].index(part.column.name)
        u, v = matched.x[rows[0], place], matched.y[rows[1], place]
        if part.role == "number":
            u, v = (np.where(np.isnan(s), part.imputed or 0.0, s) for s in (u, v))
            terms.append(np.abs(u - v) / metric.deviation[part.start])
        elif part.role == "missing":
            terms.append(
                metric.weights[part.column.name] * (np.isnan(u) != np.isnan(v))
            )
        else:
            u, v = (np.where(np.isnan(s), -1.0, s) for s in (u, v))
            terms.append(metric.weights[part.column.name] * (u != v))
    return (
        np.max(terms, axis=0)
        if metric.norm == "linf"
        else np.linalg.norm(terms, axis=0)
    )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("scaling", ["scalar", "standardize"])
def test_encoding_is_an_isometry(norm: str, gaps: bool, scaling: str) -> None:
    matched = mixed(0, gaps)
    samples = encoded(matched)
    weights = {"city": 2.5, "paid": 0.3}
    metric = metric_of(samples, scaling=scaling, category_weights=weights, norm=norm)
    rows = np.random.default_rng(1).integers(0, N, (2, 500))
    found = metric.distances(samples.x[rows[0]], samples.y[rows[1]])
    stated = stated_distances(matched, metric, samples, rows)
    assert np.allclose(found, stated, rtol=0, atol=1e-12)


def test_two_levels_are_one_feature_and_more_are_one_each() -> None:
    samples = encoded(mixed(0))
    assert [(p.column.name, p.stop - p.start) for p in samples.parts] == [
        ("x", 1),
        ("y", 1),
        ("city", 4),
        ("paid", 1),
    ]


def test_a_missing_category_is_a_level_of_its_own() -> None:
    samples = encoded(mixed(0, gaps=True))
    city = next(part for part in samples.parts if part.column.name == "city")
    assert city.column.levels == ("a", "b", "c", "d", "(missing)")


def test_what_is_imputed_depends_on_fit_rows_alone() -> None:
    matched = mixed(0, gaps=True)
    rows = np.arange(20)
    imputed = encoded(matched, fit_x=rows, fit_y=rows).parts[0].imputed
    fit = np.concatenate([matched.x[rows, 0], matched.y[rows, 0]])
    assert imputed == np.nanmedian(fit)


@pytest.mark.parametrize(
    ("stretch", "scaling"), [(1.0, "scalar"), (5.0, "scalar"), (50.0, "standardize")]
)
def test_units_decide_the_default_scaling(stretch: float, scaling: str) -> None:
    rng = np.random.default_rng(0)
    table = table_of("s", {"a": rng.normal(size=N), "b": stretch * rng.normal(size=N)})
    assert table is not None
    metric = metric_of(encoded(match(table, table)))
    assert metric.scaling == scaling
    assert ("over the column's deviation" in metric.sentence) == (stretch == 50.0)


def test_a_category_counts_a_deviation_of_a_number() -> None:
    samples = encoded(mixed(0))
    metric = metric_of(samples)
    numbers = [part.start for part in samples.parts if part.role == "number"]
    both = np.concatenate([samples.x, samples.y])[:, numbers]
    deviation = np.sqrt(both.var(axis=0).mean())
    assert metric.weights["city"] == pytest.approx(deviation, rel=0.01)
    assert metric_of(samples, scaling="standardize").weights["city"] == 1.0


def test_the_sentence_names_columns_and_weights() -> None:
    metric = metric_of(encoded(mixed(0, gaps=True)), category_weight=2.0)
    assert metric.sentence.startswith(
        "The distance between two rows is the root of the sum of squares of: the "
        "difference in x, y; a fixed amount where they differ in city (2), paid (2); "
        "a fixed amount where only one of them has a value in x (2; counted as "
    )


@pytest.mark.parametrize("weights", [{"x": 1.0}, {"none": 1.0}, {"city": 0.0}])
def test_weights_are_of_categories_and_positive(weights: Any) -> None:
    with pytest.raises(InvalidConfig, match="category_weight"):
        metric_of(encoded(mixed(0)), category_weights=weights)
