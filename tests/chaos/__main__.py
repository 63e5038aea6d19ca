"""Run the whole plan of faults and write the figures: `python -m tests.chaos`."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.harness import Chaos, Plan


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    with tempfile.TemporaryDirectory(prefix="kantor-chaos-") as folder:
        report = Chaos(Plan(seed=seed), Path(folder)).run()
    sys.stdout.write(f"{report}\n")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
