from pathlib import Path

import pytest

from tests.chaos import cancels
from tests.chaos.harness import Chaos, Plan


@pytest.mark.slow
def test_every_accepted_job_ends_once(tmp_path: Path) -> None:
    few = Plan(worker_kills=4, worker_stops=1, server_kills=1, cuts=2, delays=1)
    report = Chaos(few, tmp_path).run()
    assert report.is_clean, str(report)


@pytest.mark.slow
def test_every_cancel_ends_its_job_soon(tmp_path: Path) -> None:
    cancelled = cancels.run(30, tmp_path)
    assert {c.status for c in cancelled} <= {"cancelled", "succeeded"}
    assert all(c.took_s is None or c.took_s < cancels.LIMIT_S for c in cancelled)
