"""What the compose file promises, read from the resolved YAML."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
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
    assert "--requirepass" in command
    assert SERVICES["valkey"]["volumes"] == ["valkey:/data"]


def test_only_the_api_is_reachable_and_from_this_machine_alone() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert published == {"api": ["127.0.0.1:8000:8000"]}
    assert COMPOSE["networks"]["backend"]["internal"]


def test_third_party_images_are_pinned() -> None:
    assert re.fullmatch(r"valkey/valkey:\d+\.\d+-alpine", SERVICES["valkey"]["image"])


def test_the_gpu_worker_reserves_a_gpu() -> None:
    reservations = SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]
    assert reservations["devices"][0]["capabilities"] == ["gpu"]
    assert reservations["devices"][0]["driver"] == "nvidia"


@each_worker
def test_a_worker_has_time_to_give_its_job_back(name: str) -> None:
    assert SERVICES[name]["stop_grace_period"] == "30s"
    assert SERVICES[name]["profiles"] == [name.removeprefix("worker-")]


@pytest.mark.parametrize("name", OURS)
def test_our_services_share_the_store_and_wait_for_valkey(name: str) -> None:
    service = SERVICES[name]
    assert "data:/data" in service["volumes"]
    assert service["depends_on"]["valkey"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", OURS)
def test_no_password_is_written_down(name: str) -> None:
    url = SERVICES[name]["environment"]["KANTOR_REDIS_URL"]
    assert "${KANTOR_VALKEY_PASSWORD:?" in url
