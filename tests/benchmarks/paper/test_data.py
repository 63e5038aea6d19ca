"""Images: digits as they come, MNIST's files as they are defined, errors that help."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.data import MNIST_FILES, digits, load, read_idx


def write_idx(path: Path, entries: np.ndarray) -> None:
    sizes = np.array(entries.shape, ">u4").tobytes()
    head = bytes([0, 0, 8, entries.ndim]) + sizes
    path.write_bytes(gzip.compress(head + entries.astype(np.uint8).tobytes()))


def test_digits_are_shares_of_the_full_range_and_parted() -> None:
    images = digits()
    assert (images.side, images.dim) == (8, 64)
    assert len(images.train_x) + len(images.test_x) == 1797
    assert images.train_x.max() == 1.0
    assert set(images.test_y.tolist()) == set(range(10))


def test_mnist_is_read_from_its_four_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for n, (images, labels) in zip((5, 3), MNIST_FILES.values(), strict=True):
        write_idx(tmp_path / images, rng.integers(0, 256, (n, 4, 4)))
        write_idx(tmp_path / labels, np.arange(n))
    found = load(str(tmp_path))
    assert found.side == 4
    assert found.train_x.shape == (5, 16)
    assert found.test_y.tolist() == [0, 1, 2]


def test_a_missing_file_names_all_that_are_wanted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="data-dir: expected the files train-images"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\x00\x00\x0d\x01", "expected an idx file of bytes"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x09abc", "received 3"),
    ],
)
def test_a_file_that_is_something_else_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "some.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=complaint):
        read_idx(path)
