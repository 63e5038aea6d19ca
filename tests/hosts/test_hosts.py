from pathlib import Path

import pytest

from tests.hosts.network import unavailable
from tests.hosts.scenarios import KINDS, Scenario
from tests.service.buckets import s3_server

FEW = 10
"""Jobs; `make hosts` has forty."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_every_job_ends_once_whatever_happens_to_a_host(
    kind: str, tmp_path: Path
) -> None:
    program = s3_server()
    if reason := unavailable():
        pytest.skip(reason)
    if program is None:
        pytest.skip("needs an S3 server: make s3-server")
    report = Scenario(kind, FEW, tmp_path, program).run()
    assert report.is_clean, str(report)
