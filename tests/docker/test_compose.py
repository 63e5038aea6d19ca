"""What the compose file promises, read from the resolved YAML."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kantor.service.secret_files import variable_of
from kantor.service.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
HOST: dict[str, Any] = yaml.safe_load(
    (ROOT / "docker" / "worker-host.compose.yml").read_text()
)
EXAMPLE = (ROOT / ".env.example").read_text()
FIXED = {
    "data_dir",
    "device",
    "heard_file",
    "host",
    "port",
    "redis_password",
    "redis_url",
}
"""Settings that the images or the compose file decide."""

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "worker-gpu", "worker-cpu")
WORKERS = ("worker-gpu", "worker-cpu")

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
each_worker = pytest.mark.parametrize("name", WORKERS)


@each_service
def test_no_service_has_more_rights_than_it_needs(service: dict[str, Any]) -> None:
    assert not service.get("privileged", False)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"]


@each_service
def test_every_service_restarts_and_is_checked(service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


def test_valkey_keeps_every_job() -> None:
    command = " ".join(SERVICES["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "--save  " in command
    assert "valkey:/data" in SERVICES["valkey"]["volumes"]


def test_no_secret_is_on_a_command_line_or_in_a_variable() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "PASSWORD}" not in text
    assert "--requirepass" not in text
    assert set(COMPOSE["secrets"]) == {
        "valkey_password",
        "api_keys",
        "webhook_root_secret",
        "bucket_access_key",
        "bucket_secret_key",
    }


def test_a_secret_that_is_not_set_is_an_empty_file() -> None:
    for secret in COMPOSE["secrets"].values():
        name = re.fullmatch(r"\$\{KANTOR_\w+_FILE:-(.+)\}", secret["file"])
        assert name is not None
        assert (ROOT / name[1]).read_bytes() == b""


def test_every_setting_passes_through() -> None:
    names = set(Settings.model_fields) - FIXED
    wanted = {variable_of(name) for name in names}
    assert wanted - {"KANTOR_VALKEY_MEMORY_BYTES"} <= set(
        SERVICES["api"]["environment"]
    )
    for name in WORKERS:
        api_alone = {"api_keys", "api_keys_file", "api_keys_required"}
        api_alone |= {"webhook_root_secret", "published_host"}
        wanted = {variable_of(field) for field in names - api_alone}
        assert wanted - {"KANTOR_VALKEY_MEMORY_BYTES"} <= set(
            SERVICES[name]["environment"]
        )


def test_every_variable_of_the_files_is_explained() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    names = set(re.findall(r"\$\{(KANTOR_\w+)", text))
    assert names <= set(re.findall(r"^(KANTOR_\w+)=", EXAMPLE, re.MULTILINE))


def test_the_example_gives_the_defaults() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    defaults = dict(re.findall(r"\$\{(KANTOR_\w+):-([^}]*)\}", text))
    example = dict(re.findall(r"^(KANTOR_\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    unset = {"docker/unset": "", "unknown": ""}
    assert {n: unset.get(d, d) for n, d in defaults.items()} == {
        name: value for name, value in example.items() if name in defaults
    }


def test_the_release_is_the_one_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in OURS:
        assert SERVICES[name]["image"].endswith(
            f":${{KANTOR_VERSION:-{project['version']}}}"
        )


@pytest.mark.parametrize("name", OURS)
def test_our_images_are_built_and_never_fetched(name: str) -> None:
    assert SERVICES[name]["pull_policy"] == "build"


@each_service
def test_every_service_is_limited(service: dict[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert {"memory", "pids"} <= set(limits)
    assert all("size=" in mount for mount in service["tmpfs"])


def test_workers_of_another_host_run_as_those_of_the_first() -> None:
    same = ("healthcheck", "cap_drop", "read_only", "stop_grace_period", "init")
    for name in WORKERS:
        here, there = SERVICES[name], HOST["services"][name]
        assert {k: here[k] for k in same} == {k: there[k] for k in same}
        assert here["deploy"] == there["deploy"]
        assert here["image"] == there["image"]


def test_only_the_api_is_reachable_and_from_this_machine_alone() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    address = "${KANTOR_PUBLISHED_HOST:-127.0.0.1}"
    port = "${KANTOR_PUBLISHED_PORT:-8000}"
    assert published == {"api": [f"{address}:{port}:8000"]}
    assert SERVICES["api"]["environment"]["KANTOR_PUBLISHED_HOST"] == address
    assert COMPOSE["networks"]["backend"]["internal"]


def test_third_party_images_are_pinned() -> None:
    image = SERVICES["valkey"]["image"]
    assert re.fullmatch(
        r"\$\{KANTOR_VALKEY_IMAGE:-valkey/valkey:\d+\.\d+-alpine\}", image
    )


def test_the_gpu_worker_has_every_gpu_and_does_not_do_without() -> None:
    assert SERVICES["worker-gpu"]["environment"]["KANTOR_DEVICE"] == "cuda"
    reservations = SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]
    assert reservations["devices"][0]["capabilities"] == ["gpu"]
    assert reservations["devices"][0]["driver"] == "nvidia"
    assert reservations["devices"][0]["count"] == "all"


@each_worker
def test_a_worker_has_time_to_give_its_job_back(name: str) -> None:
    assert SERVICES[name]["stop_grace_period"] == "30s"
    assert SERVICES[name]["profiles"] == [name.removeprefix("worker-")]


@pytest.mark.parametrize("name", OURS)
def test_our_services_share_the_store_and_wait_for_valkey(name: str) -> None:
    service = SERVICES[name]
    assert "data:/data" in service["volumes"]
    assert service["depends_on"]["valkey"]["condition"] == "service_healthy"
