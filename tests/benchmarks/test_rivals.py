"""Rivals find a plain shift, each within what it is known for."""

import numpy as np
import pytest

from benchmarks.problems import Pair, select
from benchmarks.rivals import ALONE, OURS, PEERS, Rival


def shifted(dim: int, n: int) -> Pair:
    return next(select(f"shift-{dim}d")).sample(n, np.random.default_rng(0))


def value(rival: Rival, pair: Pair) -> float:
    return rival.method(*pair, 0).value


@pytest.mark.parametrize("name", ["exact transport (POT)", "Sinkhorn (POT)"])
def test_transport_solvers_find_a_shift(name: str) -> None:
    # The plug-in value lies above W1 = 1; entropy adds to it.
    assert 0.9 < value(PEERS[name], shifted(2, 300)) < 1.4


def test_splitting_takes_the_bias_away_where_nothing_differs() -> None:
    x, _ = shifted(16, 400)
    halves = x[:200], x[200:]
    assert value(PEERS["exact transport (POT)"], halves) > 3
    assert abs(value(PEERS["exact, debias='split' (POT)"], halves)) < 0.3


def test_wax_solves_the_same_transport() -> None:
    pytest.importorskip("wax")
    pair = shifted(8, 100)
    exact = value(PEERS["exact transport (POT)"], pair)
    assert value(PEERS["transport (wax-ot)"], pair) == pytest.approx(exact)


def test_sliced_distances_are_in_order() -> None:
    pair = shifted(8, 500)
    names = ("sliced (POT)", "max-sliced (POT)", "max-sliced by ascent (POT)")
    mean, random, ascended = (value(PEERS[name], pair) for name in names)
    exact = value(PEERS["exact transport (POT)"], pair)
    assert 0.1 < mean < random <= ascended <= exact
    assert ascended == pytest.approx(1.0, abs=0.15)  # the shift lies in one line


@pytest.mark.parametrize("name", [*OURS, *ALONE])
def test_ours_is_a_valid_configuration(name: str) -> None:
    nothing = np.empty((0, 2))
    # Samples are refused after the configuration was taken.
    with pytest.raises(ValueError, match="sample"):
        (OURS | ALONE)[name].method(nothing, nothing, 0)
