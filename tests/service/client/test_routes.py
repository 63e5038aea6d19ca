"""Every route of the service has a method of the client."""

import re
from pathlib import Path

import pytest

from kantor.service.api import create_app
from kantor.service.client import flows, job_flows
from kantor.service.settings import Settings

LEFT_OUT = {"/", "/docs", "/openapi.json", "/v1/jobs/{}/witness"}
"""Pages, and the earlier name of another route."""


def routes(folder: Path) -> set[str]:
    nowhere = {"redis_url": "redis://127.0.0.1:1", "data_dir": folder}
    paths = create_app(Settings.model_validate(nowhere)).openapi()["paths"]
    return {re.sub(r"\{\w+\}", "{}", path) for path in paths} - LEFT_OUT


def spoken() -> set[str]:
    """Return the paths in the sources of the flows."""
    text = Path(flows.__file__).read_text() + Path(job_flows.__file__).read_text()
    found = set(re.findall(r'"(/[\w/]+)"', text))
    for kind, *more in re.findall(r'_path\("(\w+)", \w+(?:, "(\w+)")?\)', text):
        found.add("/".join(["/v1", kind, "{}", *filter(None, more)]))
    for part in re.findall(r'_(?:path|content)\(job, "(\w+)"', text):
        found.add(f"/v1/jobs/{{}}/{part}")
    found |= {"/v1/jobs/{}/events"}  # a stream, which `EventReader` reads
    return found


def test_every_route_is_spoken(tmp_path: Path) -> None:
    assert routes(tmp_path) - spoken() == set()


@pytest.mark.parametrize("path", ["/v1/jobs/{}/scores", "/v1/references/{}"])
def test_what_is_spoken_is_found_in_the_sources(path: str) -> None:
    assert path in spoken()
