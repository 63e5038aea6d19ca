"""Name the GPUs without loading torch."""

import os
import re
import shutil
import subprocess
from pathlib import Path

QUERY_TIMEOUT_S = 10.0

_LISTED = re.compile(r"^(\s*)(?:GPU|MIG).*\(UUID: ((?:GPU|MIG)-[^)]+)\)$", re.MULTILINE)
_DEVICE = re.compile(r"nvidia(\d+)")


def gpu_names() -> list[str]:
    """Return the names by which CUDA_VISIBLE_DEVICES selects each GPU; maybe none.

    A GPU that is divided (MIG) counts as its parts.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    query = shutil.which("nvidia-smi")
    if query is None:
        return device_files()
    try:
        answer = subprocess.run(
            [query, "-L"],
            capture_output=True,
            text=True,
            timeout=QUERY_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:  # a GPU has fallen off its bus
        return device_files()
    return listed(answer.stdout) if answer.returncode == 0 else []


def listed(text: str) -> list[str]:
    """Return the names in what `nvidia-smi -L` prints; parts come after their whole."""
    names: list[str] = []
    for indent, name in _LISTED.findall(text):
        if indent and names and names[-1].startswith("GPU-"):
            names.pop()
        names.append(name)
    return names


def device_files(folder: Path = Path("/dev")) -> list[str]:
    """Return the numbers of the GPUs that have a device file."""
    found = (_DEVICE.fullmatch(path.name) for path in folder.glob("nvidia*"))
    return sorted((match[1] for match in found if match), key=int)
