"""Arrays or tables in; one pair of arrays and its folds out.

Arrays stay what they are. Two tables are matched by name and become features (see
`matching`, `missing`, `encoding`), whose metric is fitted on fit samples; how features
came from columns is kept beside them, so that the answer can speak of columns.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.estimator.samples.choosing import INDEX_NAME, Remarks
from kantor.estimator.samples.encoding import Encoded, encoded
from kantor.estimator.samples.folds import (
    Partition,
    partitioned,
    some_rows,
    splits_of,
    with_scalers,
)
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.matching import match
from kantor.estimator.samples.metric import Metric, fit_metric
from kantor.estimator.samples.missing import Complete, complete
from kantor.estimator.samples.pair import (
    MIN_SAMPLES,
    Pair,
    Samples,
    Weights,
    check_pair,
    check_samples,
    check_weights,
)
from kantor.estimator.samples.scaling import Scaler, fit_scaler
from kantor.estimator.samples.table import Column, Table

Rows = NDArray[np.intp]

SCALE_RATIO = 100.0
"""Deviations of columns that differ more are warned of where they are left so."""


@dataclass(frozen=True)
class Named:
    """How the features of a pair came from the columns of two tables.

    Attributes:
        source: The source's table, with what was left out.
        target: The target's.
        encoded: Features, and which column each belongs to.
        metric: How far apart two rows are.
        remarks: What a reader of the answer should know.
        rows_x: Places (n,) in the source of the rows that take part; None for all.
        rows_y: The same in the target.
    """

    source: Table
    target: Table
    encoded: Encoded
    metric: Metric
    remarks: Remarks
    rows_x: Rows | None
    rows_y: Rows | None

    @property
    def warnings(self) -> list[str]:
        """What comes first in the answer: of columns, of rows, of scales."""
        return [*self.remarks.warnings, *self.remarks.notes]


def prepared(
    x: object,
    y: object,
    config: EstimateConfig,
    source_weights: object = None,
    target_weights: object = None,
) -> tuple[Partition, Named | None]:
    """Return the folds of two samples and, if they have names, what belongs to these.

    Raises:
        InvalidSamples: As `check_pair`, `match` and `complete`.
        InvalidConfig: A setting names a column that is not there.
    """
    remarks = Remarks()
    tables = _tables(x, y, config, remarks)
    if tables is None:
        pair = check_pair(
            x, y, source_weights, target_weights, max_weight=config.max_weight
        )
        return partitioned(pair, config), None
    source, target = tables
    weights = [
        check_weights(f"{side}_weights", given, len(t), largest=config.max_weight)
        for side, given, t in (
            ("source", source_weights, source),
            ("target", target_weights, target),
        )
    ]
    return _of_tables(source, target, config, weights, remarks)


def check_comparable(x: object, y: object, config: EstimateConfig) -> None:
    """Check what `prepared` checks of two samples before it computes anything.

    Raises:
        InvalidSamples: Arrays have not the same dimension; or tables do not match.
        InvalidConfig: A setting names a column that is not there.
    """
    tables = _tables(x, y, config, Remarks())
    if tables is not None:
        _compared(*tables, config)
        return
    dims = [np.asanyarray(samples).shape[1] for samples in (x, y)]
    if dims[0] != dims[1]:
        raise InvalidSamples(
            "target", f"expected dimension {dims[0]} as in source, got {dims[1]}"
        )


def _tables(
    x: object, y: object, config: EstimateConfig, remarks: Remarks
) -> tuple[Table, Table] | None:
    """Return both sides as tables where one has names; None where neither has.

    Raises:
        InvalidConfig: A setting names columns, and there are no names.
    """
    source, target = table_of("source", x), table_of("target", y)
    if source is None and target is None:
        _check_names_unused(config)
        return None
    if source is None:
        assert target is not None
        source = _borrowing(x, "source", target, config, remarks)
    elif target is None:
        target = _borrowing(y, "target", source, config, remarks)
    return source, target


def _compared(source: Table, target: Table, config: EstimateConfig) -> Complete:
    """Return the columns and rows that take part."""
    columns = config.columns
    if columns == ("common",) and "common" not in source.names:
        columns = "common"  # as a form that takes lists sends the word
    matched = match(
        source, target, columns=columns, drop=config.drop, dates=config.dates
    )
    left = complete(matched, config.na)
    for side, rows in (("source", left.matched.x), ("target", left.matched.y)):
        if len(rows) < MIN_SAMPLES:
            raise InvalidSamples(
                side, f"expected at least {MIN_SAMPLES} samples, got {len(rows)}"
            )
    return left


def _of_tables(
    source: Table,
    target: Table,
    config: EstimateConfig,
    weights: list[Weights | None],
    remarks: Remarks,
) -> tuple[Partition, Named]:
    left = _compared(source, target, config)
    ours, theirs = left.matched.x, left.matched.y
    x_weights, y_weights = (
        _of_rows(f"{side}_weights", given, rows)
        for side, given, rows in zip(
            ("source", "target"), weights, (left.rows_x, left.rows_y), strict=True
        )
    )
    splits = splits_of(Pair(ours, theirs, x_weights, y_weights), config)
    features = _features(left, splits[0][0].fit, splits[0][1].fit, config)
    pair = Pair(
        check_samples("source", features.x),
        check_samples("target", features.y),
        x_weights,
        y_weights,
    )
    metric = fit_metric(
        features.parts,
        some_rows(pair.x, splits[0][0].fit),
        some_rows(pair.y, splits[0][1].fit),
        scaling=config.scaling,
        category_weight=config.category_weight,
        category_weights=config.category_weights,
        norm=config.norm,
    )

    def scaler(x: Samples, y: Samples) -> Scaler:
        own = fit_metric(
            features.parts,
            x,
            y,
            scaling="standardize" if metric.scaling == "standardize" else "scalar",
            category_weights=metric.weights,
            norm=config.norm,
        )
        return fit_scaler(x, y, "scalar", deviation=own.deviation)

    remarks.warnings += [*left.matched.remarks.warnings, *_of_scales(metric, config)]
    remarks.notes += left.matched.remarks.notes
    named = Named(source, target, features, metric, remarks, left.rows_x, left.rows_y)
    return with_scalers(pair, splits, scaler), named


def _features(
    left: Complete, fit_x: Rows, fit_y: Rows, config: EstimateConfig
) -> Encoded:
    """Encode; what imputed numbers depend on must not be tested in any fold.

    Raises:
        InvalidConfig: There are numbers to impute, and every row is tested.
    """
    features = encoded(left.matched, fit_x=fit_x, fit_y=fit_y)
    imputed = [p.column.name for p in features.parts if p.imputed is not None]
    if imputed and config.folds > 1:
        raise InvalidConfig(
            "folds",
            f"expected 1 where missing numbers are imputed (na indicator; column "
            f"{imputed[0]!r}), got {config.folds}: what is imputed would depend on "
            "rows that are tested",
        )
    return features


def _of_rows(name: str, weights: Weights | None, rows: Rows | None) -> Weights | None:
    """Return the weights of the rows that take part.

    Raises:
        InvalidSamples: None of these has any.
    """
    if weights is None or rows is None:
        return weights
    if not weights[rows].any():
        raise InvalidSamples(
            name, "expected a weight above 0 in a row without missing values"
        )
    return weights[rows]


def _of_scales(metric: Metric, config: EstimateConfig) -> list[str]:
    """Say what the scales of the columns have to do with the distance."""
    ratio = f"{metric.scale_ratio:.3g}"
    if metric.scaling == "standardize":
        if config.scaling == "standardize":
            return ["Columns were standardized: distances are in deviations."]
        return [
            f"The deviations of the columns differ by a factor of {ratio}, so each "
            "was divided by its own: distances are in deviations. Or take the "
            "numbers as they are (scaling scalar)."
        ]
    if metric.scale_ratio > SCALE_RATIO:
        return [
            f"The deviations of the columns differ by a factor of {ratio}; the largest "
            "dominate the distance. If that is not meant, standardize them "
            "(scaling standardize)."
        ]
    return []


def _borrowing(
    samples: object,
    side: str,
    other: Table,
    config: EstimateConfig,
    remarks: Remarks,
) -> Table:
    """Return an array as a table with the other side's names, in their order.

    Raises:
        InvalidSamples: There are not as many columns.
    """
    array = check_samples(side, samples)
    names = [column for column in other.columns if column.name not in config.drop]
    if len(names) != array.shape[1]:
        names = [c for c in names if not (c.index or INDEX_NAME.fullmatch(c.name))]
    if len(names) != array.shape[1]:
        raise InvalidSamples(
            side,
            f"expected the columns of the other side by name, or {len(names)} without "
            f"names, received {array.shape[1]} without names",
        )
    remarks.warnings.append(
        f"The {side} has no names: its columns were taken for those of the other side, "
        f"in their order ({', '.join(repr(c.name) for c in names[:8])}"
        f"{', ...' if len(names) > 8 else ''})."
    )
    columns = [Column(name=column.name, kind="number") for column in names]
    lacking = {c.name for c in other.columns} - {c.name for c in names} - {*config.drop}
    table = Table(tuple(columns), array)
    return _padded(table, sorted(lacking))


def _padded(table: Table, lacking: list[str]) -> Table:
    """Add the index that an array lacks, so that both sides have the same names."""
    if not lacking:
        return table
    numbers = np.arange(len(table), dtype=np.float64)[:, None]
    values = np.column_stack([table.values, *[numbers] * len(lacking)])
    added = [Column(name=name, kind="number", index=True) for name in lacking]
    return replace(table, columns=(*table.columns, *added), values=values)


def _check_names_unused(config: EstimateConfig) -> None:
    """Refuse settings that name columns where there are no names.

    Raises:
        InvalidConfig: There is one.
    """
    for setting in ("columns", "drop", "category_weights"):
        if getattr(config, setting):
            raise InvalidConfig(
                setting, "expected none, as neither side has names of columns"
            )
