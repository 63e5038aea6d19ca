"""The site builds without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs.generated_pages import command_page, http_page

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_the_site_builds_and_every_warning_is_an_error(tmp_path: Path) -> None:
    options = ["-W", "--keep-going", "-q", "-d", tmp_path / "cache", "-b", "html"]
    command = ["-m", "sphinx", *map(str, options), "docs", str(tmp_path / "site")]
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    for page in ("index", "tutorial", "python", "http", "command-line"):
        assert (tmp_path / "site" / f"{page}.html").is_file()
    text = (tmp_path / "site" / "python.html").read_text("utf-8")
    for name in ("estimate_w1", "KantorClient.submit", "Estimate.report"):
        assert f"kantor.{name}" in text


def test_the_http_reference_has_every_field_of_a_job() -> None:
    page = http_page()
    assert "## `POST /v1/jobs`" in page
    for field in ("source", "target", "config", "labels", "priority", "deadline_s"):
        assert f"| `{field}` |" in page


def test_the_command_reference_has_every_setting() -> None:
    page = command_page()
    assert "`kantor estimate`" in page
    assert "--bound-method" in page
