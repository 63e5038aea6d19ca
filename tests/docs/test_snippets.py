"""What the documentation shows runs: every python and sh block, page by page.

The blocks of a page run one after the other, in an empty folder, against a running
service. Transcripts stand in `text` blocks, which do not run.
"""

import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kantor.service.client import KantorClient
from tests.docs.blocks import PAGES, ROOT, SHELL, SNIPPETS, blocks

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
THRESHOLD_REACHED = {"examples/drift.py": 3}
"""Examples whose data are made to stop a pipeline."""

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_page_runs_as_it_stands(
    name: str, shell: dict[str, str], live_service: KantorClient
) -> None:
    page = ROOT / "docs" / name
    if name == "recipes/drift.md":
        write_months()
    names = {"__name__": "snippet"}
    for language, text, _ in blocks(page):
        if language == "python":
            # A newcomer's service is at the address that the client has by default.
            here = f"KantorClient({live_service.base_url!r})"
            exec(compile(text.replace("KantorClient()", here), name, "exec"), names)
        elif language in SHELL:
            command = ["bash", "-euo", "pipefail", "-c", text]
            subprocess.run(command, check=True, env=shell)


def write_months() -> None:
    """Write the two files that examples/drift.py writes."""
    orders = runpy.run_path(str(ROOT / "examples" / "drift.py"))["orders"]
    rng = np.random.default_rng(0)
    for name, drifted in (("reference", False), ("month", True)):
        orders(rng, n=1500, drifted=drifted).to_csv(f"{name}.csv", index=False)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(
    example: Path, shell: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        runpy.run_path(str(example), run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == THRESHOLD_REACHED.get(f"examples/{example.name}", 0)
    assert "at least" in (said := capsys.readouterr().out) or "nearest" in said


def test_every_example_is_a_recipe() -> None:
    recipes = "".join(p.read_text() for p in (ROOT / "docs" / "recipes").glob("*.md"))
    assert [e.name for e in EXAMPLES if f"examples/{e.name}" not in recipes] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_python_block_is_python(page: Path) -> None:
    for language, text, _ in blocks(page):
        if language == "python":
            compile(text, str(page), "exec")
