import csv
import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantor.estimator.display.charts import (
    PictureFormat,
    curve_csv,
    curve_picture,
    decimate,
    histogram_csv,
    histogram_picture,
)

STARTS: dict[PictureFormat, bytes] = {"png": b"\x89PNG", "svg": b"<?xml"}
HISTOGRAM = {"edges": [0.0, 1.0, 2.0], "source": [0.25, 0.75], "target": [1.0, 0.0]}


def points(*validation: float) -> list[dict[str, Any]]:
    return [
        {"step": step, "elapsed_s": 0.1, "train": 1.0, "validation": value}
        for step, value in enumerate(validation)
    ]


@given(st.lists(st.floats(-1e9, 1e9), max_size=60), st.integers(4, 30))
def test_a_thinned_curve_keeps_its_ends_and_extremes(
    values: list[float], most: int
) -> None:
    curve = points(*values)
    thin = decimate(curve, most)
    assert len(thin) <= max(most, 2)
    assert [p["step"] for p in thin] == sorted({p["step"] for p in thin})
    if values:
        assert (thin[0], thin[-1]) == (curve[0], curve[-1])
        kept = [p["validation"] for p in thin]
        assert (min(kept), max(kept)) == (min(values), max(values))


def test_a_curve_is_a_table_whatever_its_points_lack() -> None:
    rows = list(csv.DictReader(io.StringIO(curve_csv([*points(0.5), {"step": 2}]))))
    assert rows[0]["validation"] == "0.5"
    assert (rows[1]["step"], rows[1]["train"]) == ("2", "")


def test_a_histogram_is_one_row_a_bin() -> None:
    rows = list(csv.reader(io.StringIO(histogram_csv(HISTOGRAM))))
    assert rows[1:] == [["0.0", "1.0", "0.25", "1.0"], ["1.0", "2.0", "0.75", "0.0"]]


@pytest.mark.parametrize("form", list(STARTS))
def test_pictures_are_drawn_of_nothing_and_of_much(form: PictureFormat) -> None:
    many = points(*(math.sin(i / 50) for i in range(3000)))
    for curve in ([], points(1.0), many):
        picture = curve_picture(curve, result=None, form=form)
        assert picture.startswith(STARTS[form])
    assert histogram_picture(HISTOGRAM, form=form).startswith(STARTS[form])
