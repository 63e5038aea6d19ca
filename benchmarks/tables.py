"""What the benchmark commands share: a table, signs of life, the machine's name."""

import os
import platform
import sys
from collections.abc import Sequence

import torch


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table, columns padded to their widest cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    divider = ["-" * width for width in widths]
    for row in (header, divider, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(cells)} |")


def tell(*words: str) -> None:
    """Show a sign of life on stderr, where it does not disturb the table."""
    print(*words, file=sys.stderr, flush=True)


def machine() -> str:
    """Name the processor count, the architecture and the versions that matter."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{os.cpu_count()} cores ({torch.get_num_threads()} used) "
        f"{platform.machine()}, {device}, Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )
