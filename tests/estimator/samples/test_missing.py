import numpy as np
import pytest

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.matching import Matched, match
from kantor.estimator.samples.missing import complete

NAN = float("nan")


def matched(source: list[float], target: list[float]) -> Matched:
    sides = [
        table_of("source", {"a": side, "b": np.arange(len(side)) / 3})
        for side in (source, target)
    ]
    assert sides[0] is not None
    assert sides[1] is not None
    return match(sides[0], sides[1])


def test_missing_values_are_refused_by_name_and_count() -> None:
    with pytest.raises(InvalidSamples, match="'a' \\(2 in the source, 0 in the") as e:
        complete(matched([1, NAN, NAN], [2, 3, 4]), "refuse")
    assert "(na drop)" in str(e.value)
    assert e.value.field == "source"


def test_rows_that_lack_a_value_are_dropped_and_counted() -> None:
    left = complete(matched([1, NAN, 3], [2, 3, 4]), "drop")
    assert left.rows_x is not None
    assert left.rows_x.tolist() == [0, 2]
    assert left.matched.x[:, 0].tolist() == [1, 3]
    assert left.matched.remarks.notes == [
        "1 of 3 rows of the source were left out, as they lack a value."
    ]


def test_a_side_without_a_full_row_is_refused() -> None:
    with pytest.raises(InvalidSamples, match="most are missing in column 'a'"):
        complete(matched([NAN, NAN, NAN], [2, 3, 4]), "drop")


def test_nothing_is_done_where_nothing_is_missing() -> None:
    given = matched([1, 2, 3], [2, 3, 4])
    assert complete(given, "refuse").matched is given


def test_infinity_is_no_missing_value() -> None:
    with pytest.raises(InvalidSamples, match="received inf in row 1, column 'a'"):
        complete(matched([1, float("inf"), 3], [2, 3, 4]), "drop")
