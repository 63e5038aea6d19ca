"""The attacks that take seconds, against a real `kantor serve`."""

from pathlib import Path

import pytest

from tests.attack import harness
from tests.attack.stage import FULL, SMALL


def test_nothing_gets_through_in_seconds(tmp_path: Path) -> None:
    """How long the neighbour waits is told, and judged by `make attack` alone."""
    report = harness.run(tmp_path, SMALL, attacks=harness.QUICK)
    assert report.breaches == []
    assert sum(played.tally.tried for played in report.played) > 200


@pytest.mark.slow
def test_nothing_gets_through(tmp_path: Path) -> None:
    report = harness.run(tmp_path, FULL)
    assert report.breaches == []
