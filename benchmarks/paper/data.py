"""Labelled images for the experiments: scikit-learn's digits, or MNIST from a folder.

Pixels are scaled to [0, 1], so that attacks and certificates speak of shares of the
full range.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CLASSES = 10

DIGITS_TEST_SHARE = 1 / 3

MNIST_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}

_IDX_BYTES = 0x08


@dataclass(frozen=True)
class Images:
    """Images as rows, with their classes, parted into train and test.

    Attributes:
        side: Pixels of a side; dim = side^2.
        train_x: (n, dim) in [0, 1].
        train_y: (n,) in 0..9.
        test_x: (m, dim) in [0, 1].
        test_y: (m,) in 0..9.
    """

    side: int
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor

    def placed(self, device: torch.device) -> "Images":
        """Return the images on a device."""
        parts = (self.train_x, self.train_y, self.test_x, self.test_y)
        return Images(self.side, *(part.to(device) for part in parts))

    @property
    def dim(self) -> int:
        """Number of pixels."""
        return self.train_x.shape[1]


def load(data_dir: str | None) -> Images:
    """Return MNIST from a folder of gzipped idx files, or digits without one."""
    return digits() if data_dir is None else mnist(Path(data_dir))


def digits() -> Images:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    n_test = round(DIGITS_TEST_SHARE * len(x))
    pixels = torch.tensor(x[order] / 16.0, dtype=torch.float32)
    labels = torch.tensor(y[order], dtype=torch.int64)
    return Images(8, pixels[n_test:], labels[n_test:], pixels[:n_test], labels[:n_test])


def mnist(folder: Path) -> Images:
    """Return the 70,000 handwritten digits of 28 x 28 pixels.

    Raises:
        ValueError: A file is missing, or is not what its name says.
    """
    parts: list[Tensor] = []
    for images, labels in MNIST_FILES.values():
        pixels = read_idx(folder / images)
        parts.append(torch.tensor(pixels.reshape(len(pixels), -1) / 255.0).float())
        parts.append(torch.tensor(read_idx(folder / labels), dtype=torch.int64))
    side = round(parts[0].shape[1] ** 0.5)
    return Images(side, *parts)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped idx file of bytes: a magic number, the sizes, the entries.

    Raises:
        ValueError: There is no such file, or it is of another kind or size.
    """
    if not path.exists():
        wanted = ", ".join(name for names in MNIST_FILES.values() for name in names)
        raise ValueError(f"data-dir: expected the files {wanted}, found no {path}")
    content = gzip.decompress(path.read_bytes())
    if content[:3] != bytes([0, 0, _IDX_BYTES]):
        raise ValueError(f"{path}: expected an idx file of bytes, got {content[:4]!r}")
    axes = content[3]
    start = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4"))
    entries = np.frombuffer(content[start:], np.uint8)
    if len(entries) != np.prod(shape, dtype=int):
        raise ValueError(f"{path}: expected {shape} entries, received {len(entries)}")
    return entries.reshape(shape)
