"""Pages of other sites cannot use a service that asks nobody for a key."""

import pytest

from kantor.service.api.errors import CrossSite
from kantor.service.api.sites import Sites
from kantor.service.settings import Settings

OPEN = {"allow_open": True, "host": "0.0.0.0"}
KEYS = {"api_keys": {"ada": "0" * 64}}


def passes(changes: dict[str, object], host: str, origin: str | None = None) -> bool:
    try:
        Sites(Settings.model_validate(changes)).check(host, origin)
    except CrossSite:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
@pytest.mark.parametrize("changes", [{}, OPEN])
def test_this_machine_is_always_ours(changes: dict[str, object], host: str) -> None:
    assert passes(changes, host)


def test_an_open_service_is_asked_by_its_address() -> None:
    assert passes(OPEN, "192.0.2.7:8000")
    assert passes(OPEN, "[2001:db8::7]:8000", "http://[2001:db8::7]:8000")
    assert not passes({}, "192.0.2.7:8000")


@pytest.mark.parametrize("changes", [{}, OPEN])
def test_a_name_of_another_site_is_refused(changes: dict[str, object]) -> None:
    assert not passes(changes, "rebound.example:8000")
    assert not passes(changes, "127.0.0.1.rebound.example")


@pytest.mark.parametrize("changes", [{}, OPEN])
@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://["])
def test_a_page_of_another_site_is_refused(
    changes: dict[str, object], origin: str
) -> None:
    assert not passes(changes, "127.0.0.1:8000", origin)


def test_names_and_sites_can_be_allowed() -> None:
    allowed: dict[str, object] = {**OPEN} | {
        "allowed_hosts": ["Kantor.example"],
        "allowed_origins": ["https://front.example"],
    }
    assert passes(allowed, "kantor.example")
    assert passes(allowed, "kantor.example", "https://front.example")
    assert not passes(allowed, "kantor.example", "https://other.example")


def test_with_keys_hosts_are_compared_only_where_they_are_set() -> None:
    assert passes({**KEYS}, "any.example", "https://other.example")
    named: dict[str, object] = {**KEYS} | {"allowed_hosts": ["kantor.example"]}
    assert passes(named, "kantor.example")
    assert not passes(named, "any.example")
