from pathlib import Path

import pytest

from tests.chaos import bad_day, cancels
from tests.chaos.harness import Chaos, Plan


@pytest.mark.slow
def test_every_accepted_job_ends_once(tmp_path: Path) -> None:
    few = Plan(worker_kills=4, worker_stops=1, server_kills=1, cuts=2, delays=1)
    report = Chaos(few, tmp_path).run()
    assert report.is_clean, str(report)
    assert report.packs > 0


@pytest.mark.slow
def test_every_cancel_ends_its_job_soon(tmp_path: Path) -> None:
    cancelled = cancels.run(30, tmp_path)
    assert {c.status for c in cancelled} <= {"cancelled", "succeeded"}
    assert all(c.took_s is None or c.took_s < cancels.LIMIT_S for c in cancelled)


@pytest.mark.slow
def test_a_bad_day_costs_no_more_than_the_jobs_it_hits(tmp_path: Path) -> None:
    few = bad_day.BadPlan(
        worker_kills=1,
        job_losses=3,
        job_damages=3,
        key_losses=6,
        key_damages=6,
        dataset_flips=3,
        result_flips=3,
        full_disks=2,
        hangs=1,
        clock_steps=3,
    )
    day = bad_day.run(few, tmp_path)
    assert day.report.is_clean, str(day.report)
    assert day.longest_pause_s < bad_day.LONGEST_PAUSE_S
