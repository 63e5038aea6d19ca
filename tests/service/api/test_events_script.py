"""The page's reader of events, run by node: when it waits, and when it gives up."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kantor.service.api.routes.pages import STATIC

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs node")

PROGRAM = """
import { follow } from "./events.mjs";
const answers = JSON.parse(process.argv[2]);
const asked = [], seen = [];
globalThis.setTimeout = (resume) => setImmediate(resume);  // no pauses
globalThis.fetch = async (url, { headers }) => {
  asked.push(headers["Last-Event-ID"] ?? null);
  const [status, body] = answers.shift() ?? [404, ""];
  if (status === 0) throw new TypeError("connection lost");
  return new Response(body, { status });
};
let error = null;
await follow("/events", {}, (event) => seen.push(event.type)).catch((caught) => {
  error = caught.message;
});
console.log(JSON.stringify({ asked: asked, seen: seen, error: error }));
"""
QUEUED = "event: queued\nid: 1-0\ndata: {}\n\n"
ENDED = "event: succeeded\nid: 2-0\ndata: {}\n\n"
REFUSAL = json.dumps({"detail": "expected a key"})


def follow(folder: Path, *answers: tuple[int, str]) -> dict[str, Any]:
    """Run the script against these answers; return what it asked, saw and threw."""
    shutil.copy(STATIC / "page" / "events.js", folder / "events.mjs")
    (folder / "program.mjs").write_text(PROGRAM)
    command = ["node", "program.mjs", json.dumps(answers)]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=30, check=True
    )
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
def test_an_answer_that_stays_the_same_is_thrown_at_once(
    tmp_path: Path, status: int
) -> None:
    told = follow(tmp_path, (status, REFUSAL), (200, ENDED))
    assert told == {"asked": [None], "seen": [], "error": "expected a key"}


@pytest.mark.parametrize("status", [0, 429, 503])
def test_a_service_that_is_away_is_waited_for(tmp_path: Path, status: int) -> None:
    told = follow(tmp_path, (200, QUEUED), (status, REFUSAL), (200, ENDED))
    assert told["asked"] == [None, "1-0", "1-0"]
    assert (told["seen"], told["error"]) == (["queued", "succeeded"], None)


def test_a_job_that_is_gone_ends_the_reading(tmp_path: Path) -> None:
    assert follow(tmp_path, (404, "{}"))["asked"] == [None]
