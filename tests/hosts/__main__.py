"""Kill one of two hosts, cut one off: `python -m tests.hosts --jobs 40`. Needs root."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hosts.network import unavailable
from tests.hosts.scenarios import KINDS, Scenario
from tests.service.buckets import s3_server


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts")
    parser.add_argument("--jobs", type=int, default=40)
    jobs = parser.parse_args().jobs
    program = s3_server()
    reason = unavailable() or (
        None if program else "needs an S3 server: make s3-server"
    )
    if program is None or reason:
        sys.stdout.write(f"skipped: {reason}\n")
        return 0
    clean = True
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="kantor-hosts-") as folder:
            report = Scenario(kind, jobs, Path(folder), program).run()
        sys.stdout.write(f"{report}\n")
        clean = clean and report.is_clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
