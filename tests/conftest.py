"""What holds for every test: processes that run side by side share the cores."""

import os

from kantor.models.threads import sleep_when_idle

sleep_when_idle()  # as every command does, before a test module imports torch
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
