"""The API does what its OpenAPI document says, for whatever a fuzzer makes of it."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

CHECKS_THE_SCHEMA_CANNOT_SATISFY = "positive_data_acceptance"
"""No schema says: rows of equal length, an npy file, a cursor of an earlier answer."""
ENDLESS = "events"  # the stream of a queued job ends only with the job


@pytest.mark.slow
def test_no_generated_request_breaks_the_contract(
    api: httpx.Client, tmp_path: Path
) -> None:
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run"),
        f"{api.base_url}/openapi.json",
        *("--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", "20", "--seed", "1"),
        *("--suppress-health-check", "all"),
        *("--exclude-path-regex", ENDLESS),
        *("--exclude-checks", CHECKS_THE_SCHEMA_CANNOT_SATISFY),
    ]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
