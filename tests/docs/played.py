"""Programs that the pages call and no test machine has: played, and checked."""

import re
from itertools import pairwise
from pathlib import Path

import yaml

from tests.docs.blocks import ROOT

STAND_INS = {
    "docker": "needs a container engine: `make compose-test`",
    "kubectl": "needs a cluster; tests/deploy compares the manifests with schemas",
    "nvidia-smi": "needs a GPU",
    "git": "would change this checkout",
}
"""Each program, and why it does not run."""

CHECKOUT = ("docker-compose.yml", "docker", "deploy", ".env.example")
COMPOSE_FILES = (ROOT / "docker-compose.yml", *(ROOT / "docker").glob("*.compose.yml"))

_PATHS_FOLLOW = {"-f", "-k", "--project-directory"}
_SUBCOMMANDS = {"up", "down", "start", "stop", "logs", "build"}
_PLAYED = '#!/bin/sh\n{{ printf "%s\\t" {} "$@"; echo; }} >> "$CALLS"\n'


def play(folder: Path) -> None:
    """Put the stand-ins into `bin`, beside what they refer to."""
    for name in CHECKOUT:
        (folder / name).symlink_to(ROOT / name)
    for program in STAND_INS:
        path = folder / "bin" / program
        path.write_text(_PLAYED.format(program))
        path.chmod(0o755)


def unknown_names(calls: Path) -> list[str]:
    """Return the files, services, volumes and images in calls that do not exist."""
    lines = calls.read_text().splitlines() if calls.exists() else []
    return [name for line in lines for name in _unknown(line.split("\t"), calls.parent)]


def _unknown(call: list[str], folder: Path) -> list[str]:
    files = [path for flag, path in pairwise(call) if flag in _PATHS_FOLLOW]
    services, volumes, images = _composed()
    text = " ".join(call)
    named = re.findall(r" kantor-([\w-]+)", text)
    mounted = re.findall(r" kantor_(\w+):", text)
    return [
        *(path for path in files if not (folder / path).exists()),
        *(name for name in _services_of(call) if name not in services),
        *(name for name in mounted if name not in volumes),
        *(name for name in named if f"kantor-{name}" not in images),
    ]


def _services_of(call: list[str]) -> list[str]:
    """Return the services that a call of `docker compose` names."""
    if call[:2] != ["docker", "compose"]:
        return []
    at = next((i for i, word in enumerate(call) if word in _SUBCOMMANDS), None)
    if at is None:
        return [f"a subcommand in {' '.join(call)}"]
    return [word for word in call[at + 1 :] if re.match("[a-z]", word)]


def _composed() -> tuple[set[str], set[str], set[str]]:
    """Return the services, volumes and images of the Compose files."""
    documents = [yaml.safe_load(path.read_text("utf-8")) for path in COMPOSE_FILES]
    services = [item for d in documents for item in d.get("services", {}).items()]
    volumes = {name for d in documents for name in d.get("volumes", {})}
    images = {str(s.get("image", "")).partition(":")[0] for _, s in services}
    return {name for name, _ in services}, volumes, images


def unknown_variables(written: Path) -> list[str]:
    """Return the variables of a `.env` that no Compose file reads."""
    if not written.exists():
        return []
    known = "".join(path.read_text("utf-8") for path in COMPOSE_FILES)
    names = re.findall(r"^([A-Z_]+)=", written.read_text("utf-8"), re.MULTILINE)
    return [n for n in names if n != "COMPOSE_PROFILES" and not _names(n, known)]


def _names(variable: str, text: str) -> bool:
    return re.search(rf"\b{variable}\b", text) is not None
