"""The scaling benchmark measures what its cells say."""

from benchmarks.scaling import Setup, Size, cost, fastest, grid, row


def test_cost_of_a_small_cell_is_positive() -> None:
    size = Size(n=200, dim=3, critics=2)
    found = cost(size, Setup(width=16, depth=1, batch_size=50, rounds=2))
    assert found.step_s > 0
    assert found.evaluation_s > 0
    assert row(size, found)[:3] == ["200", "3", "2"]


def test_grid_varies_one_size_at_a_time() -> None:
    for name, sizes in grid(20_000).items():
        rest = {tuple(v for k, v in vars(s).items() if k != name) for s in sizes}
        assert len(rest) == 1
        assert all(size.n <= 20_000 for size in sizes)


def test_fastest_warms_up_first() -> None:
    calls: list[int] = []
    assert fastest(lambda: calls.append(0), 3) >= 0
    assert len(calls) == 4
