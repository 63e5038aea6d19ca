from pathlib import Path

import pytest

from tests.chaos.harness import Chaos, Plan


@pytest.mark.slow
def test_every_accepted_job_ends_once(tmp_path: Path) -> None:
    few = Plan(worker_kills=4, worker_stops=1, server_kills=1, cuts=2, delays=1)
    report = Chaos(few, tmp_path).run()
    assert report.is_clean, str(report)
