"""The benchmark of training steps runs and compares every method."""

import subprocess
import sys
from pathlib import Path

from benchmarks.steps import METHODS

ROOT = Path(__file__).parents[2]


def test_prints_a_row_for_each_method() -> None:
    command = [sys.executable, "-m", "benchmarks.steps", "--width", "16", "--dim", "3"]
    run = subprocess.run(
        [*command, "--rounds", "2", "--batch-size", "32"],
        capture_output=True, text=True, cwd=ROOT, check=True, timeout=120,
    )  # fmt: skip
    rows = [line for line in run.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(METHODS)
    assert rows[2].split("|")[3].strip() == "1.00"
