"""The web page in a real browser: two files in, a live curve and an answer out."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from websockets.sync.client import ClientConnection, connect

from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings
from kantor.service.store import BlobStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]

RESULT = {
    "estimate": 1.0, "standard_error": 0.1, "lower_bound": 0.8, "confidence": 0.95,
    "bound_method": "betting", "p_value": 0.001, "sample_lower_bound": 0.9,
    "sample_upper_bound": None, "certificate": {"lipschitz_bound": 1.0},
    "n_source": 50, "n_target": 50, "dim": 2, "steps": 10, "elapsed_s": 1.0,
    "stop_reason": "converged", "warnings": [], "curve": [],
    "detectable_distance": 0.4, "critic_family": "affine",
    "differences": {
        "source_extremes": [{"row": 31, "value": 1.5}],
        "target_extremes": [{"row": 47, "value": -2.0}],
        "attribution": [{"feature": 1, "share": 0.875, "slope": -0.9}],
        "gradient_norm": {"rows": 100, "mean": 1.0, "steep_share": 1.0},
        "histogram": {"edges": [-2, 0, 2], "source": [0.25, 0.75], "target": [1, 0]},
    },
}  # fmt: skip
POINT = {"step": 10, "max_steps": 20, "train": 1.0, "validation": 0.9}


class Page:
    """One tab, by the DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0
        self.faults: list[str] = []
        for domain in ("Log", "Runtime", "Page", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=20))
            if answer.get("id") == self._sent:
                result: dict[str, Any] = answer.get("result", {})
                return result
            self._note(answer)

    def run(self, script: str) -> Any:
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"].get("value")

    def choose_file(self, selector: str, path: Path) -> None:
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node["nodeId"])

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.run("document.body?.innerText ?? ''"))

    def _note(self, event: dict[str, Any]) -> None:
        entry = event.get("params", {}).get("entry", {})
        is_fault = event.get("method") == "Runtime.exceptionThrown"
        if is_fault or entry.get("level") == "error":
            self.faults.append(json.dumps(event))


def wait_until(ready: Callable[[], Any]) -> Any:
    until = time.monotonic() + 20
    while not (found := ready()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    profile = tmp_path / "profile"
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += ["--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as browser:
        try:
            port_file = profile / "DevToolsActivePort"
            wait_until(lambda: port_file.exists() and port_file.read_text())
            tabs = f"http://127.0.0.1:{port_file.read_text().split()[0]}/json"
            tab = next(t for t in httpx.get(tabs).json() if t["type"] == "page")
            with connect(tab["webSocketDebuggerUrl"], max_size=None) as socket:
                yield Page(socket)
        finally:
            browser.terminate()


def test_two_files_get_a_curve_and_an_answer(
    api: httpx.Client,
    page: Page,
    client: redis.Redis,
    settings: Settings,
    tmp_path: Path,
) -> None:
    samples = tmp_path / "samples.npy"
    np.save(samples, np.random.default_rng(1).normal(size=(50, 2)))
    page.call("Page.navigate", url=str(api.base_url))
    page.wait_for("How far apart")
    wait_until(lambda: not page.run("document.getElementById('start').disabled"))
    for side in ("source", "target"):
        page.choose_file(f"input[name={side}]", samples)
    page.run("document.getElementById('start').click()")
    play_worker(client, settings, page)
    page.wait_for("at least 0.8 apart, with 95 % confidence")
    assert page.run("document.querySelector('#histogram canvas') !== null")
    tables = page.run("document.getElementById('answer').innerText")
    assert re.search(r"1\s+87.5 %\s+target", tables)
    assert re.search(r"31\s+1.5\s+47\s+-2", tables)
    assert page.faults == []


def play_worker(client: redis.Redis, settings: Settings, page: Page) -> None:
    worker = LeaseQueue(client, settings, "worker")
    [claim] = wait_until(worker.claim)
    worker.progress(claim, [POINT])
    page.wait_for("step 10 of at most 20")
    result = BlobStore(settings.data_dir).put(json.dumps(RESULT).encode())
    assert worker.succeed(claim, result=result)


def test_the_docs_page_works_without_the_network(api: httpx.Client, page: Page) -> None:
    page.call("Page.navigate", url=f"{api.base_url}/docs")
    page.wait_for("Submit a job")
    assert page.faults == []
