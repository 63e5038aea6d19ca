"""Upper bounds at any size: never below exact, near it, and invariant as W1 is."""

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantor.estimator import EstimationStopped
from kantor.estimator.primal import Cloud, bound, upper_bound
from kantor.estimator.primal.bound import coupled
from kantor.estimator.primal.clouds import cloud
from kantor.estimator.primal.plan import cost
from kantor.estimator.samples.scaling import Scaler, fit_scaler


def plain(samples: np.ndarray, weights: np.ndarray | None = None) -> Cloud:
    dim = samples.shape[1]
    return cloud(samples, Scaler(np.zeros(dim), np.ones(dim), 1.0), weights)


def value(source: Cloud, target: Cloud, block_entries: int = 32) -> float:
    """Go the way of large clouds, with blocks that make it many blocks."""
    plan = coupled(source, target, block_entries=block_entries)
    return cost(plan, source, target)


def exact(source: Cloud, target: Cloud) -> float:
    costs = ot.dist(source.samples, target.samples, metric="euclidean")
    return float(ot.emd2(source.weights, target.weights, costs, numItermax=10**7))


def points(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    """Draw Gaussians, a few of them repeated, in some of the features."""
    samples = rng.normal(size=(n, dim))
    samples[rng.random(n) < 0.3] = samples[0]
    return np.asarray(samples * (rng.random(dim) < 0.8))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    m=st.integers(1, 300),
    dim=st.sampled_from([1, 2, 5, 40]),
    weighted=st.booleans(),
)
def test_couples_all_mass_and_stays_above_exact(
    seed: int, n: int, m: int, dim: int, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.dirichlet(np.full(k, 0.3)) if weighted else None for k in (n, m))
    source, target = plain(points(rng, n, dim), a), plain(points(rng, m, dim), b)
    plan = coupled(source, target, block_entries=16)
    sums = np.bincount(plan.rows, plan.mass, n), np.bincount(plan.columns, plan.mass, m)
    np.testing.assert_allclose(sums[0], source.weights, atol=1e-14)
    np.testing.assert_allclose(sums[1], target.weights, atol=1e-14)
    # Inner products make the solver's own costs wrong by about 1e-8 near zero.
    assert cost(plan, source, target) >= exact(source, target) - 1e-7


@pytest.mark.parametrize(("dim", "most"), [(2, 1.05), (16, 1.12), (64, 1.08)])
def test_is_near_exact(dim: int, most: float) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 1500, dim))
    source, target = plain(x), plain(y + 0.2)
    assert value(source, target, 128) <= most * exact(source, target)


@pytest.mark.parametrize("sweeps", [1, 4])
def test_sweeps_never_cost_more(sweeps: int) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 600, 8))
    source, target = plain(x), plain(y)
    less, more = (
        coupled(source, target, sweeps=s, block_entries=64)
        for s in (sweeps - 1, sweeps)
    )
    assert cost(more, source, target) < cost(less, source, target)


@pytest.mark.parametrize("dim", [2, 40])
def test_the_same_points_are_nearly_no_distance_apart(dim: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, dim))
    assert value(plain(x), plain(rng.permutation(x))) < 1e-9


def test_sides_change_places_at_nearly_the_same_value() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 1000, 4))
    source, target = plain(x), plain(y[:700] * 2.0)
    # Other cuts, hence another coupling: both within a few percent of exact.
    assert value(source, target) == pytest.approx(value(target, source), rel=0.05)


@pytest.mark.parametrize("offset", [1.0, 1e6])
def test_a_translation_costs_its_length(offset: float) -> None:
    x = np.random.default_rng(0).normal(size=(800, 5))
    y = x + np.array([3.0, 4.0, 0.0, 0.0, 0.0]) * offset
    scaler = fit_scaler(x, y, "scalar")
    found = scaler.unit * value(cloud(x, scaler), cloud(y, scaler))
    # Monotone cuts along the shift find it when it is long.
    assert 1.0 - 1e-9 <= found / (5.0 * offset) <= 1.02


def test_a_common_offset_changes_nothing_much() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 500, 3))
    near, far = value(plain(x), plain(y)), value(plain(x + 2.0**20), plain(y + 2.0**20))
    # Rows lose 20 of 52 bits, which may move a cut or two.
    assert far == pytest.approx(near, rel=0.03)


def test_weights_equal_repeated_points() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), rng.normal(size=(200, 4))
    times = rng.integers(0, 5, size=300)
    weighted = plain(x, times / times.sum())
    repeated = plain(np.repeat(x, times, axis=0))
    w1 = exact(weighted, plain(y))
    for source in (weighted, repeated):
        assert w1 - 1e-9 <= value(source, plain(y), 128) <= 1.05 * w1


def test_a_lone_target_takes_all() -> None:
    x = np.random.default_rng(0).normal(size=(5000, 3))
    source, target = plain(x), plain(np.zeros((1, 3)))
    assert value(source, target) == pytest.approx(np.linalg.norm(x, axis=1).mean())


def test_masses_of_any_ratio_are_coupled() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
    a = 2.0 ** -np.arange(300.0)
    source, target = plain(x, a / a.sum()), plain(y)
    assert value(source, target) >= exact(source, target) - 1e-7


def test_equal_masses_stay_whole() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 999, 3))
    plan = coupled(plain(x), plain(y), block_entries=64)
    moved = plan.mass > 1e-12
    assert moved.sum() == 999
    assert len(plan) < 3 * 999  # the rest is rounding, made good


def test_blocks_that_cannot_be_solved_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 300, 3))
    source, target = plain(x), plain(y[:250])  # equal masses are matched, not pivoted
    monkeypatch.setattr("kantor.estimator.primal.exact.PIVOTS", 1)
    assert value(source, target) > 1.1 * exact(source, target)


def test_outliers_do_not_overflow() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 500, 3))
    x[7] = 1e60
    # A 500th of the mass moves 1e60 sqrt(3); the rest does not show beside it.
    assert value(plain(x), plain(y)) == pytest.approx(1e60 * 3**0.5 / 500)


def test_a_seed_gives_the_same_bits() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 400, 3))
    first, again = (coupled(plain(x), plain(y), block_entries=32) for _ in range(2))
    assert first.mass.tobytes() == again.mass.tobytes()
    assert first.columns.tobytes() == again.columns.tobytes()


def test_stops_when_told() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 400, 3))
    answers = iter([False, False, True])
    with pytest.raises(EstimationStopped):
        coupled(plain(x), plain(y), block_entries=32, should_stop=lambda: next(answers))


def test_the_size_chooses_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50, 3))
    few = upper_bound(plain(x), plain(y))
    assert few.how == "exact optimal transport between the given samples"
    monkeypatch.setattr(bound, "MAX_COST_ENTRIES", 2499)
    many = upper_bound(plain(x), plain(y))
    assert "feasible coupling" in many.how
    assert few.value - 1e-12 <= many.value <= 1.01 * few.value


def test_reads_memory_mapped_samples(tmp_path_factory: pytest.TempPathFactory) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 2100, 20)).astype(np.float32)
    path = tmp_path_factory.mktemp("rows") / "x.npy"
    np.save(path, x)
    mapped = np.load(path, mmap_mode="r")
    assert upper_bound(plain(mapped), plain(y)) == upper_bound(plain(x), plain(y))
