"""Every command that the documentation shows runs, or is known to be one that cannot.

`NOT_RUN` and `played.STAND_INS` are all that does not. Whether it runs or not, every
`kantor` command on a page is one that the program takes, and every `make` has a target.
"""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer.main
from typer.core import TyperGroup

from kantor.service.cli.app import app
from kantor.service.client import KantorClient
from kantor.service.settings import Settings
from tests.docs.blocks import (
    PAGES,
    ROOT,
    RUN_ELSEWHERE,
    SHELL,
    blocks,
    shell_blocks,
)
from tests.docs.played import play, unknown_names, unknown_variables

NOT_RUN = {
    "make demo": "the whole demonstration; tests/service/cli has its parts",
    "make test": "the tests themselves",
    "make serve": "runs until it is stopped; `live_service` is the same command",
    "kantor drain": "needs a queue; tests/service/cli/test_upkeep.py has one",
    "kantor drain gpu-7": "needs that host",
    "kantor drain --off": "needs a queue",
    "kantor keys digest ada": "waits for a key to be typed",
    "export KANTOR_API_KEYS_FILE=secrets/api_keys": "no such file is here",
}
"""Lines that do not run, and why."""

SMALLER = {"size=(2000, 8)": "size=(60, 8)", "effort thorough": "effort quick"}
SMALLER |= {'effort="thorough"': 'effort="quick"'}
"""What is made smaller, so that a page takes seconds."""

PROGRAMS = {"README.md", "paper.md"}
"""Pages whose python blocks run too; that of scale.md needs `torchrun`."""

NPY = ("real", "generated")
RUN_HERE = [page for page in PAGES if page not in RUN_ELSEWHERE and shell_blocks(page)]
IN_A_LINE = re.compile(r"`(kantor [a-z][^`]*)`")

pytestmark = pytest.mark.timeout(300)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def folder(tmp_path: Path, shell: dict[str, str]) -> Path:
    """Return a folder like a checkout, with the files that the pages name."""
    play(tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(tmp_path / "bin")
    rng = np.random.default_rng(0)
    for name in NPY:
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(60, 2)))
    for name in ("train", "test"):
        rows = "\n".join(f"{a:.3f},{a:.3f},fine" for a in rng.normal(size=60))
        (tmp_path / f"{name}.csv").write_text(f"a,b,note\n1,,fine\n{rows}\n")
    return tmp_path


def runnable(text: str, service: KantorClient, folder: Path) -> str:
    """Return a block for this machine: its address, its folders, fewer rows."""
    lines = [line for line in text.splitlines() if command_of(line) not in NOT_RUN]
    address = service.base_url.rstrip("/")
    places = {"http://127.0.0.1:8000": address, "localhost:8000": address}
    places |= {f" /{top}/": f" {folder}/{top}/" for top in ("backups", "srv")}
    text = "\n".join(lines)
    for written, here in (places | SMALLER).items():
        text = text.replace(written, here)
    return text


def command_of(line: str) -> str:
    return line.partition("#")[0].strip()


@pytest.mark.parametrize("page", RUN_HERE, ids=lambda page: page.name)
def test_the_commands_of_a_page_run(
    page: Path,
    folder: Path,
    shell: dict[str, str],
    live_service: KantorClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = shell | {"CALLS": f"{folder}/calls", "KANTOR_DATA_DIR": f"{folder}/d"}
    rng = np.random.default_rng(1)
    names = {name: rng.normal(size=(60, 2)) for name in ("x", "y", *NPY)}
    for block in blocks(page):
        text = runnable(block.text, live_service, folder)
        if block.language in SHELL:
            run_commands(f"# line {block.line}\n{text}", folder, environment)
            with monkeypatch.context() as patch:
                export(folder / "exported", patch)
        elif block.language == "python" and page.name in PROGRAMS:
            exec(compile(text, page.name, "exec"), names)


def run_commands(text: str, folder: Path, environment: dict[str, str]) -> None:
    """Run a block, and look up the names in what it called and wrote."""
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{text}\nenv > exported\n"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, f"{text}\n{ended.stderr}"
    assert unknown_names(folder / "calls") == []
    assert unknown_variables(folder / ".env") == []


def export(variables: Path, patch: pytest.MonkeyPatch) -> None:
    """See whether the service would start with the settings that a block exports."""
    found = re.findall(r"^KANTOR_(\w+)=(.*)$", variables.read_text(), re.MULTILINE)
    for name, value in found:
        patch.setenv(f"KANTOR_{name}", value)
    names = {name.lower() for name, _ in found} - {"url"}  # the client's address
    assert names <= set(Settings.model_fields)
    Settings()


def test_there_are_pages_and_few_lines_that_do_not_run() -> None:
    assert {page.name for page in RUN_HERE} >= {"README.md", "operations.md"}
    lines = [
        command_of(line)
        for page in PAGES
        for block in shell_blocks(page)
        for line in block.text.splitlines()
    ]
    assert [line for line in NOT_RUN if line not in lines] == []


def commands(page: Path) -> list[str]:
    """Return the `kantor` commands of a page that stand on a line of a block."""
    texts = [b.text for b in blocks(page) if b.language in {*SHELL, "yaml"}]
    lines = "\n".join(texts).replace("\\\n", " ").splitlines()
    found = [command_of(line) for line in lines]
    return [c for c in found if re.match(r"(\.venv/bin/)?kantor ", c)]


def parse(command: str, *, whole: bool) -> None:
    """Read a command line as the program does; where not whole, arguments may lack."""
    read = typer.main.get_command(app)
    name, *words = shlex.split(command)
    context = read.make_context(name, [], resilient_parsing=True)
    while isinstance(read, TyperGroup):
        assert words, f"expected a command after {command}"
        found = read.get_command(context, words.pop(0))
        assert found is not None, f"expected a command, received {command}"
        read = found
    read.make_context(name, words, resilient_parsing=not whole)


@each_page
def test_the_program_takes_every_command_that_a_page_shows(page: Path) -> None:
    for command in commands(page):
        parse(command, whole=True)
    for command in IN_A_LINE.findall(page.read_text("utf-8")):
        parse(command.replace("\n", " "), whole=False)


def test_there_are_commands_of_both_kinds() -> None:
    texts = [page.read_text("utf-8") for page in PAGES]
    assert len([command for page in PAGES for command in commands(page)]) > 8
    assert len([command for text in texts for command in IN_A_LINE.findall(text)]) > 20


@each_page
def test_make_has_every_target_that_a_page_names(page: Path) -> None:
    text = page.read_text("utf-8")
    named = re.findall(r"`make ([a-z-]+)", text)
    for block in shell_blocks(page):
        named += re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(named) <= targets
