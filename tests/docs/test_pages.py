"""The documentation follows the code."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from docs.tables import PAGES as PAGES_WITH_TABLES
from docs.tables import with_tables
from kantor.service.api import create_app
from kantor.service.settings import Settings
from tests.docs.blocks import PAGES, ROOT

WEB_PAGES = {"/", "/docs", "/openapi.json"}
LINK = re.compile(r"\]\((?!http)([^)#\s]+)")
SOURCE = re.compile(r"`((?:models|estimator|service)/[\w./]*)`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.mark.parametrize("page", PAGES_WITH_TABLES, ids=lambda page: page.name)
def test_tables_that_follow_from_the_code_are_as_it_is(page: Path) -> None:
    text = page.read_text()
    assert text == with_tables(text), "run `make docs`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_means(name: str) -> None:
    assert Settings.model_fields[name].description


def test_every_route_has_an_example(tmp_path: Path) -> None:
    nowhere = {"redis_url": "redis://127.0.0.1:1", "data_dir": tmp_path}
    app = create_app(Settings.model_validate(nowhere))
    examples = (ROOT / "docs" / "api.md").read_text()
    examples = re.sub(
        r"/(job|ds|up)_\.\.\.|(?<=references)/baseline", "/{id}", examples
    )
    routes = {re.sub(r"\{\w+\}", "{id}", path) for path in app.openapi()["paths"]}
    missing = {
        r for r in routes - WEB_PAGES if not re.search(rf"\$K{re.escape(r)}", examples)
    }
    assert not missing


def test_every_redis_key_is_in_the_key_map() -> None:
    scripts = ROOT / "service" / "queue" / "scripts"
    known = re.findall(r"^--   :([a-z]+)", (scripts / "common.lua").read_text(), re.M)
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert {name for name in known if f"`P:{name}" not in page} == set()


def test_every_dependency_says_what_it_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = {
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for requirement in [*project["dependencies"], *itertools.chain(*extras)]
    }
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert {name for name in wanted - {"kantor"} if name not in page} == set()


def test_the_two_commands_are_the_demonstration_and_the_tests() -> None:
    section = (ROOT / "README.md").read_text().partition("## Two commands")[2]
    section = section.partition("\n## ")[0]
    assert re.findall(r"^make (\w+)", section, re.MULTILINE) == ["demo", "test"]


@each_page
def test_sources_lie_where_a_page_says(page: Path) -> None:
    named = SOURCE.findall(page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())
    assert [t for t in targets if not (page.parent / t).exists()] == []
