"""Count the GPUs without loading torch."""

import os
import shutil
import subprocess

QUERY_TIMEOUT_S = 10.0


def gpu_indices() -> list[str]:
    """Return the names by which CUDA_VISIBLE_DEVICES selects each GPU; maybe none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    query = shutil.which("nvidia-smi")
    if query is None:
        return []
    answer = subprocess.run(
        [query, "--query-gpu=index", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        timeout=QUERY_TIMEOUT_S,
        check=False,
    )
    return answer.stdout.split() if answer.returncode == 0 else []
