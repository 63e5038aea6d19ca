"""Does this month's table still look like the reference? Exit code 3 if not.

Writes two csv files, as two months of a shop's orders could be, and compares them by
the names of their columns. A pipeline does the same with one command: see
docs/recipes/drift.md.
"""

import sys

import numpy as np
import pandas as pd

from kantor import estimate_w1

TOLERATED = 0.05
"""Distances below this are no reason to stop: in deviations of the columns."""


def orders(rng: np.random.Generator, *, n: int, drifted: bool) -> pd.DataFrame:
    """Return a month of orders; in a drifted one baskets have grown."""
    basket = rng.lognormal(3.0 + 0.25 * drifted, 0.6, n)
    return pd.DataFrame(
        {
            "basket": basket.round(2),
            "items": 1 + rng.poisson(basket / 12.0),
            "device": rng.choice(["phone", "desktop", "tablet"], n, p=[0.6, 0.3, 0.1]),
            "returning": rng.random(n) < 0.35,
        }
    )


def main() -> int:
    """Compare a drifted month with the reference; return the exit code."""
    rng = np.random.default_rng(0)
    reference = orders(rng, n=1500, drifted=False)
    month = orders(rng, n=1500, drifted=True)
    reference.to_csv("reference.csv", index=False)
    month.to_csv("month.csv", index=False)
    found = estimate_w1(reference, month, effort="quick", scaling="standardize")
    print(found.verdict)
    for column in sorted(found.by_column or [], key=lambda c: -c.w1):
        print(f"  {column.column}: {column.w1:.3f} (p = {column.p_adjusted:.2g})")
    found.report("drift.html", heading="reference against month")
    return 3 if found.lower_bound > TOLERATED else 0


if __name__ == "__main__":
    sys.exit(main())
