"""Play every attack and print what came of it: `python -m tests.attack`.

Exits with 1 where anything got through, or the neighbour waited too long.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.tables import print_table
from tests.attack import harness
from tests.attack.stage import FULL, SMALL


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="less of everything")
    parser.add_argument("--only", nargs="*", help="names of attacks")
    given = parser.parse_args()
    attacks = [a for a in harness.ATTACKS if not given.only or a.__name__ in given.only]
    scale = SMALL if given.small else FULL
    with tempfile.TemporaryDirectory(prefix="kantor-attack-") as folder:
        report = harness.run(Path(folder), scale, seed=given.seed, attacks=attacks)
    print_table(harness.HEADER, [played.cells() for played in report.played])
    tried = sum(played.tally.tried for played in report.played)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    sys.stdout.write(f"\n{tried} attempts, {len(report.breaches)} breaches; ")
    sys.stdout.write(f"load of the machine {load}\n")
    for breach in report.breaches:
        sys.stdout.write(f"BREACH {breach}\n")
    for name in report.slow:
        sys.stdout.write(f"SLOW {name}\n")
    return 1 if report.breaches or report.slow else 0


if __name__ == "__main__":
    sys.exit(main())
