import numpy as np
import pandas as pd
import pytest

from kantor.estimator import Estimate, estimate_w1


@pytest.fixture(scope="package")
def of_arrays() -> Estimate:
    x, y = np.random.default_rng(0).normal(size=(2, 200, 2))
    return estimate_w1(x, y + 1.0, effort="quick", steps=25)


@pytest.fixture(scope="package")
def of_tables() -> Estimate:
    rng = np.random.default_rng(0)
    sides = [
        pd.DataFrame(
            {
                "age": rng.normal(40.0 + shift, 10.0, 200),
                "<city>": rng.choice(["Ulm & Co", "Bonn"], 200),
            }
        )
        for shift in (0.0, 15.0)
    ]
    return estimate_w1(*sides, effort="quick", steps=25)
