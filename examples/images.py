"""Where do two sets of images differ?

Handwritten digits against the same digits made darker in one corner, as by a faulty
sensor. The answer is a distance, the images that show it most, and a picture of the
pixels that have to do with it.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from kantor import estimate_w1

SIDE = 8


def main() -> None:
    """Compare, and draw the pixels by their share of the difference."""
    pixels = load_digits().data
    order = np.random.default_rng(0).permutation(len(pixels))
    clean, faulty = np.array_split(pixels[order], 2)
    faulty = faulty.reshape(-1, SIDE, SIDE).copy()
    faulty[:, :3, :3] *= 0.5
    found = estimate_w1(clean, faulty.reshape(len(faulty), -1), effort="quick")
    print(found.verdict)
    shares = np.zeros(SIDE * SIDE)
    for item in found.differences.attribution:
        shares[item.feature] = item.share
    corner = shares.reshape(SIDE, SIDE)[:3, :3].sum()
    print(f"share of the difference in the faulty corner: {100 * corner:.0f} %")
    figure = Figure(figsize=(3, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares.reshape(SIDE, SIDE), cmap="viridis")
    axes.set_title("share of the difference")
    figure.savefig("images.png")
    rows = [extreme.row for extreme in found.differences.source_extremes[:5]]
    print(f"clean images that show it most: {rows}")


if __name__ == "__main__":
    main()
