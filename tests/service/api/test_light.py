"""The API's image has neither torch nor SciPy nor POT: no route may need them."""

import json
import subprocess
import sys
from pathlib import Path

from kantor.service.settings import Settings

PROGRAM = Path(__file__).with_name("light_api.py")
PAGES = {"get /", "get /docs"}


def test_every_route_works_without_torch_scipy_and_pot(settings: Settings) -> None:
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    given = [url, str(settings.data_dir), settings.key_prefix]
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), *given],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    assert set(told["asked"]) - PAGES == set(told["known"])
