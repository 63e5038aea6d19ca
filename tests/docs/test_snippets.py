"""What the documentation shows runs: every python and sh block, page by page.

The blocks of a page run one after the other, in an empty folder, against a running
service. Transcripts stand in `text` and `console` blocks, which do not run.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from kantor.service.client import KantorClient

ROOT = Path(__file__).parents[2]
PAGES = ("tutorial.md", "reading.md", "sample-size.md", "recipes/drift.md")
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
THRESHOLD_REACHED = {"examples/drift.py": 3}
"""Examples whose data are made to stop a pipeline."""

pytestmark = pytest.mark.timeout(900)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of the code blocks of a page."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    return [(t.info.strip(), t.content) for t in tokens if t.type == "fence"]


@pytest.fixture
def shell(
    live_service: KantorClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Run in an empty folder, where `kantor` finds the service of the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KANTOR_URL", live_service.base_url)
    command = tmp_path / "bin" / "kantor"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m kantor.service.cli "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_as_it_stands(
    name: str, shell: dict[str, str], live_service: KantorClient
) -> None:
    page = ROOT / "docs" / name
    if name == "recipes/drift.md":
        example = ROOT / "examples" / "drift.py"
        subprocess.run([sys.executable, example], check=False, env=shell)
    names = {"__name__": "snippet"}
    for language, text in blocks(page):
        if language == "python":
            # A newcomer's service is at the address that the client has by default.
            here = f"KantorClient({live_service.base_url!r})"
            exec(compile(text.replace("KantorClient()", here), name, "exec"), names)
        elif language == "sh":
            command = ["bash", "-euo", "pipefail", "-c", text]
            subprocess.run(command, check=True, env=shell)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(example: Path, shell: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, example], capture_output=True, text=True, env=shell
    )
    wanted = THRESHOLD_REACHED.get(f"examples/{example.name}", 0)
    assert ended.returncode == wanted, ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_example_is_a_recipe() -> None:
    recipes = "".join(p.read_text() for p in (ROOT / "docs" / "recipes").glob("*.md"))
    assert [e.name for e in EXAMPLES if f"examples/{e.name}" not in recipes] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=str)
def test_every_python_block_is_python(page: Path) -> None:
    for language, text in blocks(page):
        if language == "python":
            compile(text, str(page), "exec")
