from typing import Any

import numpy as np
import pytest

from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.matching import Matched, match
from kantor.estimator.samples.table import Table

N = 60
RNG = np.random.default_rng(0)


def table(**columns: Any) -> Table:
    found = table_of("source", columns)
    assert found is not None
    return found


def numbers(shift: float = 0.0) -> Any:
    return RNG.normal(size=N) + shift


def names_of(matched: Matched) -> list[str]:
    return [column.name for column in matched.columns]


def test_columns_are_matched_by_name_in_the_order_of_the_source() -> None:
    a, b = numbers(), numbers()
    matched = match(table(a=a, b=b), table(b=b, a=a))
    assert names_of(matched) == ["a", "b"]
    assert np.array_equal(matched.x, matched.y)


def test_a_table_of_numbers_is_not_copied() -> None:
    source, target = table(a=numbers()), table(a=numbers())
    assert match(source, target).x is source.values


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"c": 1.0}, "'c' is there besides.*columns common.*drop c"),
        ({}, "'b' is missing.*columns common.*drop b"),
    ],
)
def test_other_columns_are_named(extra: dict[str, float], message: str) -> None:
    theirs = {"a": numbers()} | {name: numbers() for name in extra}
    theirs |= {"b": numbers()} if extra else {}
    with pytest.raises(InvalidSamples, match=message):
        match(table(a=numbers(), b=numbers()), table(**theirs))


def test_common_columns_on_request_are_noted() -> None:
    source, target = (
        table(a=numbers(), b=numbers()),
        table(a=numbers(), c=numbers()),
    )
    matched = match(source, target, columns="common")
    assert names_of(matched) == ["a"]
    assert matched.remarks.notes == [
        "Left out, as only the source has them: 'b'.",
        "Left out, as only the target has them: 'c'.",
    ]


@pytest.mark.parametrize(
    "name", ["", "Unnamed: 0", "__index_level_0__", "index", "id", "ID", "Index"]
)
def test_an_index_is_left_out_with_a_note(name: str) -> None:
    source = table_of("source", {name: np.arange(N), "a": numbers()})
    target = table_of("target", {name: np.arange(N, 2 * N), "a": numbers()})
    assert source is not None
    assert target is not None
    matched = match(source, target)
    assert names_of(matched) == ["a"]
    assert "was left out" in matched.remarks.notes[0]
    assert not matched.remarks.warnings


def test_an_index_can_be_forced_in() -> None:
    source, target = (table(id=np.arange(N), a=numbers()) for _ in range(2))
    matched = match(source, target, columns=["id", "a"])
    assert names_of(matched) == ["id", "a"]


def test_an_index_on_one_side_only_is_left_out() -> None:
    indexed = table_of("source", {"": np.arange(N), "a": numbers()})
    assert indexed is not None
    assert names_of(match(indexed, table(a=numbers()))) == ["a"]


@pytest.mark.parametrize(
    "values", [np.arange(N) // 2, np.arange(N) + 0.5, RNG.permutation(N) % 50]
)
def test_what_is_named_like_an_index_and_is_none_stays_in(values: Any) -> None:
    matched = match(table(id=values, a=numbers()), table(id=values, a=numbers()))
    assert names_of(matched) == ["id", "a"]


def test_other_distinct_integers_stay_in_and_are_warned_of() -> None:
    sides = [table(a=numbers(), patient=RNG.permutation(N)) for _ in range(2)]
    matched = match(*sides)
    assert names_of(matched) == ["a", "patient"]
    assert "Column 'patient'" in matched.remarks.warnings[0]
    assert "(drop patient)" in matched.remarks.warnings[0]


@pytest.mark.parametrize("names", [["b"], ["a", "b"]])
def test_unknown_names_are_refused_by_setting(names: list[str]) -> None:
    side = table(a=numbers())
    with pytest.raises(InvalidConfig, match=r"drop: .*\('a'\), received 'b'"):
        match(side, side, drop=names)
    with pytest.raises(InvalidConfig, match=r"columns: .* of the source \('a'\)"):
        match(side, side, columns=names)


def test_what_is_the_same_throughout_is_noted_and_left_out() -> None:
    nothing = np.full(N, np.nan)
    sides = [table(a=numbers(), k=np.ones(N), e=nothing) for _ in range(2)]
    matched = match(*sides)
    assert names_of(matched) == ["a"]
    assert matched.remarks.notes == [
        "Column 'k' holds the single value 1.0 throughout.",
        "Column 'e' holds nothing on either side.",
    ]


def test_what_is_constant_on_each_side_but_differs_is_a_distance() -> None:
    matched = match(table(k=np.zeros(N)), table(k=np.ones(N)))
    assert names_of(matched) == ["k"]


def test_levels_of_both_sides_are_pooled() -> None:
    matched = match(table(c=["a", "b"] * 30), table(c=["c", "b"] * 30))
    assert matched.columns[0].kind == "category"
    assert matched.columns[0].levels == ("a", "b", "c")
    assert matched.x[:2, 0].tolist() == [0.0, 1.0]
    assert matched.y[:2, 0].tolist() == [2.0, 1.0]


def test_booleans_match_zeros_and_ones() -> None:
    matched = match(table(b=[True, False] * 30), table(b=[1, 0] * 30))
    assert matched.columns[0].kind == "boolean"


def test_other_kinds_do_not_match() -> None:
    with pytest.raises(InvalidSamples, match=r"number values in column 'a'.*'x'"):
        match(table(a=numbers()), table(a=["x", "y"] * 30))


IDS = [f"u{i}" for i in range(N)]
DAYS = np.arange(N).astype("datetime64[D]")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (IDS, "'t' \\(60 different values in 120 rows\\)"),
        ([f"{i}.03.2021" for i in range(10, 20)] * 6, "dates or times written as"),
        ([f"1,{i}00" for i in range(10, 20)] * 6, "numbers written as '1,1000'"),
        ([f"{i}%" for i in range(10)] * 6, "numbers written as '0%'"),
        ([*map(str, range(50)), *["<5"] * 10], "numbers, and others such as '<5'"),
        ([f"word {i}" for i in range(1100)], "more than 1,000 different values"),
        (["w" * 300] * N, "more than 256 characters"),
        ([2**60 + i for i in range(N)], "look like ids"),
        (DAYS, "dates"),
    ],
)
def test_what_has_no_distance_is_refused_by_name(values: Any, reason: str) -> None:
    side = table(a=RNG.normal(size=len(values)), t=values)
    with pytest.raises(InvalidSamples, match=reason) as caught:
        match(side, side)
    assert "(setting drop)" in str(caught.value)
    assert names_of(match(side, side, drop=["t"])) == ["a"]


def test_dates_become_days_on_request() -> None:
    with pytest.raises(InvalidSamples, match="dates as-number"):
        match(table(t=DAYS), table(t=DAYS))
    matched = match(table(t=DAYS), table(t=DAYS), dates="as-number")
    assert matched.columns[0].kind == "number"
    assert matched.x[:, 0].tolist() == list(range(N))


def test_a_category_that_is_named_may_have_many_levels() -> None:
    side = table(t=IDS)
    assert match(side, side, columns=["t"]).columns[0].kind == "category"
