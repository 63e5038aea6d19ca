import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kantor.service.cli.app import app


@pytest.fixture
def sides(tmp_path: Path) -> list[str]:
    rng, paths = np.random.default_rng(0), [tmp_path / "x.npy", tmp_path / "y.npy"]
    for shift, path in enumerate(paths):
        np.save(path, rng.normal(size=(100, 1)) + shift)
    return [*map(str, paths), "--effort", "quick", "--steps", "10"]


def test_a_person_reads_a_number_of_rows(sides: list[str]) -> None:
    result = CliRunner().invoke(app, ["plan", *sides, "--distance", "0.5"])
    assert result.exit_code == 0, result.output
    assert "A distance of 0.5 shows in 4 of 5 cases with about" in result.output
    assert "100,000" in result.output


def test_json_has_every_size(sides: list[str]) -> None:
    result = CliRunner().invoke(app, ["plan", *sides, "--distance", "9", "--json"])
    document = json.loads(result.stdout)
    assert document["rows"] == document["sizes"][0]["rows"] == 100
    assert len(document["sizes"]) == 10
