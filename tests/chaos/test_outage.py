from pathlib import Path

import pytest

from tests.chaos import outage


@pytest.mark.slow
def test_an_outage_is_refused_quickly_and_costs_no_job(tmp_path: Path) -> None:
    reports = outage.run(seconds=3.0, seed=1, folder=tmp_path)
    assert all(report.is_clean for report in reports), "\n".join(map(str, reports))
