"""The benchmark of couplings compares with exact transport and prints a row a cell."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import couplings
from benchmarks.couplings import PAIRS, Cell, PeakMemory, outcome


@pytest.mark.parametrize("pair", PAIRS)
def test_coupling_is_at_least_exact(pair: str, tmp_path: Path) -> None:
    found = outcome(Cell(pair, 300, 3, is_exact_wanted=True), tmp_path)
    assert found.exact is not None
    assert found.exact * (1 - 1e-9) <= found.value <= 1.2 * found.exact


def test_memory_growth_is_seen() -> None:
    with PeakMemory() as memory:
        block = np.ones(16_000_000)
        memory._done.wait(0.2)
    assert memory.growth is None or memory.growth > 0.9 * block.nbytes


def test_prints_a_row_a_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--pairs", "shift", "same", "--n", "200", "--dim", "2"]
    monkeypatch.setattr("sys.argv", ["couplings", *arguments])
    couplings.main()
    output = capsys.readouterr().out
    assert sum(line.startswith("| ") for line in output.splitlines()) == 2 + 2
