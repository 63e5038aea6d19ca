from typing import Any

import pytest
from pydantic import ValidationError

from kantor.service.api_keys import Scope, digest_of, new_key, parse_keys, read_keys
from kantor.service.settings import Settings

OLD, NEW = "1a" * 32, "2b" * 32


def test_a_digest_alone_may_submit_and_read() -> None:
    [key] = parse_keys({"ada": OLD})["ada"]
    assert key.digest.get_secret_value() == OLD
    assert (set(key.scopes), key.name) == ({Scope.SUBMIT, Scope.READ}, OLD[:8])


def test_an_owner_may_have_several_keys_that_say_more() -> None:
    said = {"digest": NEW.upper(), "scopes": ["metrics"], "name": "prometheus"}
    first, second = parse_keys({"ada": [OLD, said]})["ada"]
    assert first.digest.get_secret_value() == OLD
    assert second.digest.get_secret_value() == NEW  # as `sha256sum` writes it
    assert (second.scopes, second.name) == ((Scope.METRICS,), "prometheus")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"digest": OLD, "scopes": ["admin"]}, "among submit, read, .* 'admin'"),
        ({"digest": OLD, "scopes": []}, "expected a scope of ada's key"),
        ({"digest": OLD, "scopes": [["read"]]}, "expected scopes of ada's key"),
        ({"digest": OLD, "scope": "read"}, "received 1 other fields"),
        ({"digest": OLD, "name": "a b"}, "expected a name of ada's key"),
        ([], "expected a key of ada, received none"),
        ([OLD, {"digest": OLD.upper()}], "expected each digest once"),
        ({"scopes": ["read"]}, "digest of ada's key"),
        ([None], "digest of ada's key"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start(keys: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"api_keys": {"ada": keys}})


def test_keys_are_an_object_of_owners() -> None:
    with pytest.raises(ValueError, match="expected an object"):
        parse_keys([OLD])


def test_one_digest_of_two_owners_is_refused() -> None:
    with pytest.raises(ValueError, match="expected each digest once"):
        parse_keys({"ada": OLD, "bob": OLD})


def test_a_file_without_keys_has_none(tmp_path: Any) -> None:
    path = tmp_path / "keys"
    path.write_text("\n")
    assert read_keys(path) == {}


def test_keys_are_masked_in_repr_and_survive_a_dump() -> None:
    settings = Settings.model_validate({"api_keys": {"ada": [OLD, NEW]}})
    assert OLD not in repr(settings)
    assert Settings.model_validate(settings.model_dump()) == settings


def test_who_only_reads_metrics_shares_no_queue() -> None:
    metrics = {"digest": NEW, "scopes": ["metrics"]}
    keys = {"api_keys": {"ada": OLD, "prometheus": metrics}}
    assert not Settings.model_validate(keys).has_tenants


def test_new_keys_differ_and_are_known_by_their_digests() -> None:
    one, other = new_key(), new_key()
    assert one != other
    assert one.startswith("kt_")
    [key] = parse_keys({"ada": digest_of(one)})["ada"]
    assert key.digest.get_secret_value() == digest_of(one)
