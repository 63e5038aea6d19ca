"""The test that needs no training: level on ties and heavy tails, and what it sees."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from kantor.estimator.evidence.pooled import pooled_p_value

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]


def allowed(trials: int, level: float = 0.05, chance: float = 1e-3) -> int:
    return int(binom.ppf(1 - chance, trials, level))


def discrete(rng: np.random.Generator, n: int) -> Array:
    return rng.integers(3, size=(n, 2)).astype(float)


def heavy(rng: np.random.Generator, n: int) -> Array:
    return rng.standard_cauchy(size=(n, 3))


@pytest.mark.parametrize("draw", [discrete, heavy])
@pytest.mark.parametrize(("n", "m"), [(12, 12), (40, 25)])
def test_pooled_level(draw: Draw, n: int, m: int) -> None:
    rng = np.random.default_rng(7)
    alarms = sum(
        pooled_p_value(draw(rng, n), draw(rng, m), rng, permutations=99) <= 0.05
        for _ in range(400)
    )
    assert alarms <= allowed(400)


def test_pooled_sees_shift_scale_and_shape() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(size=(2, 300, 4))
    assert pooled_p_value(z[0] + 0.3, z[1], rng) < 0.01
    assert pooled_p_value(z[0] * 1.3, z[1], rng) < 0.01
    y = z[1].copy()
    y[:, 1] = 0.6 * y[:, 0] + 0.8 * y[:, 1]
    assert pooled_p_value(z[0], y, rng) < 0.01


def test_pooled_takes_constant_and_tiny_samples() -> None:
    rng = np.random.default_rng(9)
    assert pooled_p_value(np.ones((5, 2)), np.ones((6, 2)), rng) == 1.0
    assert pooled_p_value(np.ones((2, 1)), np.zeros((2, 1)), rng) > 0.05


def test_pooled_is_unmoved_by_far_origins_and_units() -> None:
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(2, 100, 2))
    x = x + 0.5
    near = pooled_p_value(x, y, np.random.default_rng(0))
    far = pooled_p_value(1e3 * x + 1e6, 1e3 * y + 1e6, np.random.default_rng(0))
    assert far == pytest.approx(near, abs=0.005)
