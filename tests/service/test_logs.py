"""Log lines, as another process reads them."""

import json
import os
import pty
import re
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from kantor.service.logs import audit, configure_audit, configure_logs
from kantor.service.settings import Settings
configure_logs(Settings(log_level="info"), "worker")
structlog.get_logger("ours").debug("quiet")
structlog.get_logger("ours").info("ours", job_id="job_1")
logging.getLogger("theirs").warning("theirs %s", 1)
configure_audit(None)
audit("submit", owner="ada")
def fail():
    password = "hunter2"
    raise ValueError("wrong")
try:
    fail()
except ValueError:
    structlog.get_logger("ours").exception("broke")
"""


def lines(program: str = PROGRAM) -> list[dict[str, Any]]:
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_every_record_is_one_json_line_that_names_the_process() -> None:
    told = lines()
    assert [line["event"] for line in told] == ["ours", "theirs 1", "submit", "broke"]
    assert {line["process"] for line in told} == {"worker"}
    assert told[0]["job_id"] == "job_1"
    assert [line["level"] for line in told] == ["info", "warning", "info", "error"]
    assert (told[2]["logger"], told[2]["owner"]) == ("kantor.audit", "ada")


def test_changes_are_written_whatever_the_level() -> None:
    program = PROGRAM.replace('log_level="info"', 'log_level="error"')
    assert [line["event"] for line in lines(program)] == ["submit", "broke"]


def test_a_traceback_shows_no_values_of_variables() -> None:
    broke = lines()[-1]
    assert broke["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in json.dumps(broke)


def on_a_terminal() -> str:
    """Return what the program writes where stderr is a terminal, without colors."""
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", PROGRAM], stderr=theirs, check=True)
    os.close(theirs)
    found = b""
    try:
        while block := os.read(ours, 65_536):
            found += block
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", found.decode())


def test_a_person_at_a_terminal_reads_words() -> None:
    told = on_a_terminal()
    assert "{" not in told
    assert re.search(r"\[info +\] ours .*job_id=job_1", told)
    assert re.search(r"\[warning +\] theirs 1", told)
    assert "ValueError: wrong" in told
    assert "hunter2" not in told.replace('password = "hunter2"', "")
