import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantor.service.api.webhooks.destinations import (
    Destination,
    Refused,
    SystemResolver,
    is_public,
    is_public_or_private,
)

PUBLIC = ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1"]
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd12::1"]
NEVER = [
    "0.0.0.0",
    "::",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "fd00:ec2::254",
    "::169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::10.0.0.1",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:db8::1",
]
HIDDEN_PRIVATE = ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::192.168.0.1"]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_public(ip_address(text))
    assert is_public_or_private(ip_address(text))


@pytest.mark.parametrize("text", [*PRIVATE, *HIDDEN_PRIVATE])
def test_private_addresses_are_allowed_only_by_the_setting(text: str) -> None:
    assert not is_public(ip_address(text))
    assert is_public_or_private(ip_address(text))


@pytest.mark.parametrize("text", NEVER)
def test_other_addresses_are_never_allowed(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not is_public_or_private(ip_address(text))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/hook?a=b", "example.org"),
        ("HTTPS://Example.ORG", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("https://münchen.example/", "xn--mnchen-3ya.example"),
        ("https://1.1.1.1/", "1.1.1.1"),
        ("https://[2606:4700::1111]/", "2606:4700::1111"),
    ],
)
def test_a_plain_https_url_is_understood(url: str, host: str) -> None:
    assert Destination.parse(url, [443]).host == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/hook",
        "//example.org",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:///hook",
        "https://user:password@example.org/",
        "https://user@example.org/",
        "https://example.org\\@127.0.0.1/",
        "https://example.org/#fragment",
        "https://example.org:0/",
        "https://example.org:22/",
        "https://example.org:8443/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://[fe80::1%25eth0]/",
        "https://exa mple.org/",
        "https://ex%61mple.org/",
        "https://exam\nple.org/",
        "https://-example.org/",
        "https://xn--0/",
        "https://" + "a" * 64 + ".org/",
        "https://" + "a." * 127 + "org/",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"^expected "):
        Destination.parse(url, [443])


AUTHORITIES = st.lists(
    st.sampled_from([*"a1.:@/\\?#[]%-_ ", "0x7f", "127.0.0.1", "::1", "ü", "。", "１"]),
    max_size=12,
).map("".join)


@given(AUTHORITIES)
def test_whatever_is_accepted_reads_the_same_to_others(authority: str) -> None:
    try:
        found = Destination.parse(f"https://{authority}/hook", range(65_536))
    except Refused:
        return
    other = urlsplit(str(found.url))
    assert (other.scheme, other.hostname) == ("https", found.host)
    assert (other.username, other.password) == (None, None)
    assert (other.port or 443) == (found.port or 443)


def test_an_address_takes_the_place_of_the_host() -> None:
    destination = Destination.parse("https://example.org/a?b=c", [443])
    assert str(destination.at(ip_address("::1"))) == "https://[::1]/a?b=c"


def test_the_resolver_returns_addresses() -> None:
    found = asyncio.run(SystemResolver()("localhost", 443))
    assert found
    assert all(address.is_loopback for address in found)


def test_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(OSError, match=r"(?i)name|address"):
        asyncio.run(SystemResolver()("nothing.invalid", 443))
