"""Log lines, as another process reads them."""

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from kantor.service.logs import configure_logs
from kantor.service.settings import Settings
configure_logs(Settings(log_level="info"), "worker")
structlog.get_logger("ours").debug("quiet")
structlog.get_logger("ours").info("ours", job_id="job_1")
logging.getLogger("theirs").warning("theirs %s", 1)
def fail():
    password = "hunter2"
    raise ValueError("wrong")
try:
    fail()
except ValueError:
    structlog.get_logger("ours").exception("broke")
"""


def lines() -> list[dict[str, Any]]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_every_record_is_one_json_line_that_names_the_process() -> None:
    told = lines()
    assert [line["event"] for line in told] == ["ours", "theirs 1", "broke"]
    assert {line["process"] for line in told} == {"worker"}
    assert told[0]["job_id"] == "job_1"
    assert [line["level"] for line in told] == ["info", "warning", "error"]


def test_a_traceback_shows_no_values_of_variables() -> None:
    broke = lines()[-1]
    assert broke["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in json.dumps(broke)
