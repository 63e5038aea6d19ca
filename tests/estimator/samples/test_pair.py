"""Samples and weights are checked, named, and left where they are."""

from pathlib import Path

import numpy as np
import pytest

from kantor.estimator import InvalidSamples
from kantor.estimator.samples.pair import check_pair, check_samples, check_weights


def test_an_array_is_taken_without_a_copy() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    assert np.shares_memory(check_samples("source", x), x)


def test_a_mapped_file_stays_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((50, 3), dtype=np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert isinstance(check_samples("source", mapped), np.memmap)


def test_a_list_of_numbers_is_samples_on_the_line() -> None:
    assert check_samples("source", [1, 2, 3] * 20).shape == (60, 1)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.float16, np.float32])
def test_every_kind_of_real_number_is_taken(dtype: type) -> None:
    assert check_samples("source", np.ones((40, 2), dtype=dtype)).dtype == dtype


def test_scoring_needs_but_one_sample() -> None:
    assert check_samples("samples", [[1.0, 2.0]], fewest=1).shape == (1, 2)


def test_a_fault_far_down_is_found_at_its_place() -> None:
    x = np.zeros((3_000_000, 2), dtype=np.float32)  # more than a block is read
    x[2_999_998, 1] = np.nan
    with pytest.raises(InvalidSamples, match="got nan at row 2999998, column 1"):
        check_samples("target", x)


def test_each_side_is_named() -> None:
    good, bad = np.ones((50, 2)), np.ones((3, 2))
    for pair, name in (((bad, good), "source"), ((good, bad), "target")):
        with pytest.raises(InvalidSamples) as refused:
            check_pair(*pair)
        assert refused.value.field == name


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (np.ones(49), "expected 50 numbers, one per sample"),
        (np.ones((50, 1)), "expected 50 numbers, one per sample"),
        (np.array(["1"] * 50), "expected 50 numbers, one per sample"),
        (np.full(50, -1.0), "weights >= 0, got -1.0 at row 0"),
        (np.full(50, np.nan), "finite weights >= 0, got nan at row 0"),
        (np.full(50, np.inf), "finite weights >= 0, got inf at row 0"),
        (np.zeros(50), "a weight above 0, got only zeros"),
    ],
)
def test_weights_are_refused_with_what_is_wrong(
    weights: np.ndarray, reason: str
) -> None:
    x = np.ones((50, 2))
    with pytest.raises(InvalidSamples, match=reason) as refused:
        check_pair(x, x, None, weights)
    assert refused.value.field == "target_weights"


def test_weights_are_taken_as_they_are() -> None:
    found = check_weights("source_weights", [1, 2, 4], 3)
    assert found is not None
    assert found.tolist() == [1.0, 2.0, 4.0]
    assert check_weights("source_weights", None, 3) is None
