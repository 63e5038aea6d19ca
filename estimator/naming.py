"""Let an answer speak of the columns of the tables it is about, by name."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kantor.estimator.evidence.by_column import column_distances
from kantor.estimator.result import ComparedColumn, Differences, Estimate, Extreme
from kantor.estimator.samples.encoding import Part
from kantor.estimator.samples.metric import Metric
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.sides import Named, Rows
from kantor.estimator.samples.table import Table, told

MOST_CELLS = 256
"""Columns of a row that are told, those that were compared first."""


def naming_columns(
    answer: Estimate, named: Named, pair: Pair, *, started: float
) -> Estimate:
    """Return an answer with columns, metric, whole rows, and W1 of each column.

    Args:
        answer: Of features.
        named: How they came from columns.
        pair: The features, and the weights of the rows.
        started: When the estimation began, on the monotonic clock.
    """
    by_column = column_distances(
        named.encoded,
        named.metric,
        seed=answer.seed,
        x_weights=pair.x_weights,
        y_weights=pair.y_weights,
    )
    return replace(
        answer,
        columns=compared_columns(named.encoded.parts, named.metric),
        metric=named.metric.sentence,
        by_column=by_column,
        warnings=[*named.warnings, *answer.warnings],
        differences=_with_rows(answer.differences, named),
        elapsed_s=time.monotonic() - started,
    )


def compared_columns(parts: Sequence[Part], metric: Metric) -> list[ComparedColumn]:
    """Return what each column has to do with the distance, in their order."""
    found: dict[str, ComparedColumn] = {}
    for part in parts:
        column = part.column
        if column.name in found:  # whether the number is missing
            continue
        is_number = part.role == "number"
        divisor = float(metric.deviation[part.start])
        found[column.name] = ComparedColumn(
            name=column.name,
            kind=column.kind,
            levels=None if is_number else len(column.levels),
            divisor=divisor if is_number else None,
            weight=metric.weights.get(column.name),
            imputed=part.imputed,
        )
    return list(found.values())


def _with_rows(differences: Differences, named: Named) -> Differences:
    compared = list(dict.fromkeys(p.column.name for p in named.encoded.parts))
    return replace(
        differences,
        source_extremes=_whole(
            differences.source_extremes, named.source, named.rows_x, compared
        ),
        target_extremes=_whole(
            differences.target_extremes, named.target, named.rows_y, compared
        ),
    )


def _whole(
    extremes: Sequence[Extreme],
    table: Table,
    rows: Rows | None,
    compared: Sequence[str],
) -> list[Extreme]:
    """Return extremes with their places in the table as given, and their values."""
    names = list(dict.fromkeys([*compared, *table.names]))[:MOST_CELLS]
    chosen = set(names)
    places = [(j, c) for j, c in enumerate(table.columns) if c.name in chosen]
    found = []
    for extreme in extremes:
        row = extreme.row if rows is None else int(rows[extreme.row])
        values = np.asarray(table.values[row], dtype=np.float64)
        sample = {c.name: told(c, float(values[j])) for j, c in places}
        found.append(replace(extreme, row=row, sample=sample))
    return found
