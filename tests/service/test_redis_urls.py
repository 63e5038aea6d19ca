import pytest
from pydantic import ValidationError

from kantor.service.redis_urls import check_url, with_password
from kantor.service.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "redis://h:6379/0",
        "rediss://user:a%2Fb@h",
        "unix:///run/valkey.sock",
        "redis://:a@b@h:1",
        "redis://[::1]:6379",
    ],
)
def test_one_server_is_accepted(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis+sentinel://h:26379/mymaster", "Sentinel"),
        ("redis+cluster://h:6379", "Cluster"),
        ("redis://a:26379,b:26379/mymaster", "Sentinel"),
        ("redis://:hunter2/x@h:6379", "percent-encoded"),
        ("redis://:hunter2#x@h:6379", "percent-encoded"),
        ("redis://:7/hunter2@h:6379", "percent-encoded"),
        ("http://hunter2", "expected redis://"),
        ("hunter2", "expected redis://"),
    ],
)
def test_others_are_refused_with_the_reason_and_not_shown(
    url: str, reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason) as refused:
        Settings.model_validate({"redis_url": url})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1/2", "redis://:p%25@h:1/2"),
        ("redis://user@h:1", "redis://user:p%25@h:1"),
        ("redis://:p%25@h:1", "redis://:p%25@h:1"),
        ("unix:///run/v.sock?db=1", "unix://:p%25@/run/v.sock?db=1"),
    ],
)
def test_a_password_gets_into_a_url(url: str, expected: str) -> None:
    assert with_password(url, "p%") == expected
