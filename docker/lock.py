"""Write what the images install, with hashes, from `constraints.txt` (`make lock`).

    docker/lock/api.txt     the API, without torch
    docker/lock/worker.txt  a worker, without torch
    docker/lock/cuda.txt    torch and its CUDA libraries

torch stands apart: its CPU build comes from an index of its own with other hashes, and
its CUDA libraries are gigabytes that change seldom. Needs uv on the path.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "docker" / "lock"
PYTHON = "3.11"
"""Oldest that the lock is for; newer ones take the same versions."""

_HEAVY = re.compile(r"(torch|triton|cuda-[\w-]+|nvidia-[\w-]+)==")


def main() -> None:
    """Write all three."""
    LOCKS.mkdir(exist_ok=True)
    write("api", locked("docker/api-requirements.txt"))
    everything = locked("pyproject.toml", "--extra", "s3", "--extra", "otel")
    write("worker", [item for item in everything if not _HEAVY.match(item)])
    write("cuda", [item for item in everything if _HEAVY.match(item)])


def locked(source: str, *options: str) -> list[str]:
    """Return every requirement with its hashes, one text each."""
    command = ["uv", "pip", "compile", source, "-c", "constraints.txt", "--quiet"]
    command += ["--universal", "--python-version", PYTHON, "--generate-hashes"]
    command += ["--no-header", "--no-annotate", *options]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(found.stderr)
    return re.split(r"\n(?=\S)", found.stdout.strip())


def write(name: str, requirements: list[str]) -> None:
    """Write one file."""
    text = "# Written by `make lock`.\n" + "\n".join(requirements) + "\n"
    (LOCKS / f"{name}.txt").write_text(text)


if __name__ == "__main__":
    main()
