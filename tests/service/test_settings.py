import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from kantor.service.api_keys import Scope
from kantor.service.processes.workers import worker_children
from kantor.service.settings import Settings, environment


def test_every_setting_is_documented() -> None:
    undocumented = [n for n, f in Settings.model_fields.items() if not f.description]
    assert undocumented == []


def test_environment_sets_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANTOR_PORT", "9000")
    assert Settings().port == 9000


def test_a_secret_is_masked_in_repr() -> None:
    settings = Settings.model_validate({"redis_url": "redis://:hunter2@h:1"})
    assert "hunter2" not in repr(settings)


def test_a_root_secret_is_masked_and_may_be_empty() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    settings = Settings.model_validate({"webhook_root_secret": secret})
    assert secret not in repr(settings)
    assert Settings.model_validate({"webhook_root_secret": " "}) == Settings()


def test_a_short_root_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError, match="expected at least 32") as refused:
        Settings.model_validate({"webhook_root_secret": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_a_heartbeat_slower_than_the_lease_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected heartbeat_s below half"):
        Settings(lease_s=1.0, heartbeat_s=2.0)


def test_a_heartbeat_that_reaping_takes_for_a_silence_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"half of lease_s 10.0, received 8.0"):
        Settings(lease_s=10.0, heartbeat_s=8.0)


@pytest.mark.parametrize("owner", ["", "team:ada", "-a", "a b", "ä", "a" * 65])
def test_an_owner_that_is_no_name_is_refused(owner: str) -> None:
    keys = {"api_keys": {owner: "0" * 64}}
    with pytest.raises(ValidationError, match="expected owners of 1 to 64"):
        Settings.model_validate(keys)


@pytest.mark.parametrize("digest", ["kt_secret", "0" * 63, "g" * 64, ""])
def test_a_key_in_place_of_its_digest_is_refused_and_not_shown(digest: str) -> None:
    keys = {"api_keys": {"ada": digest}}
    with pytest.raises(ValidationError, match="digest of ada's key") as refused:
        Settings.model_validate(keys)
    assert "secret" not in str(refused.value)


def test_several_owners_share_priorities_and_places() -> None:
    keys = {"api_keys": {"ada": "0" * 64, "bob": "1" * 64}, "max_queued": 100}
    shared = Settings.model_validate(keys)
    assert (shared.highest_priority, shared.queued_quota) == (0, 25)
    alone = Settings()
    assert (alone.highest_priority, alone.queued_quota) == (9, None)
    assert (shared.share_of(4), shared.share_of(1), alone.share_of(4)) == (2, 1, 4)


def test_single_owners_may_have_priorities_of_their_own() -> None:
    settings = Settings(max_priority=1, max_priority_by_key={"ada": 7})
    found = [settings.highest_priority_of(owner) for owner in ("ada", "bob")]
    assert found == [7, 1]
    with pytest.raises(ValidationError, match="priorities of -9 to 9, received 10"):
        Settings(max_priority_by_key={"ada": 10})


def test_each_api_process_decodes_two_large_files_at_least() -> None:
    assert Settings(decoders=8, api_processes=2).own_decoders == 4
    assert Settings(api_processes=16).own_decoders == 2


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
SECRET = TEXT.map(SecretStr)
OWNER = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", fullmatch=True)
KEY = st.fixed_dictionaries(
    {"digest": st.from_regex(r"[0-9a-f]{64}", fullmatch=True)},
    optional={
        "name": st.from_regex(r"[A-Za-z0-9_.@-]{1,64}", fullmatch=True),
        "scopes": st.lists(st.sampled_from([*Scope]), min_size=1),
    },
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "data_dir": TEXT.map(Path),
    "redis_url": st.sampled_from(
        ["redis://h", "rediss://u@h:1/2", "unix:///run/s"]
    ).map(SecretStr),
    "redis_password": SECRET,
    "bucket_url": st.sampled_from(["s3://b", "s3://b/jobs"]),
    "bucket_endpoint": TEXT,
    "bucket_region": TEXT,
    "bucket_access_key": SECRET,
    "bucket_secret_key": SECRET,
    "published_host": TEXT,
    "heard_file": TEXT.map(Path),
    "device": st.sampled_from(["auto", "cpu", "cuda"]),
    "key_prefix": st.from_regex(r"[A-Za-z0-9_.:-]+", fullmatch=True),
    "host": TEXT,
    "api_keys": st.lists(KEY, min_size=1, unique_by=lambda key: key["digest"]).flatmap(
        lambda keys: st.dictionaries(OWNER, st.just(keys), max_size=1)
    ),
    "api_keys_file": st.none(),
    "api_keys_required": st.just(False),  # else `api_keys` may not be left out
    "allowed_hosts": st.lists(TEXT),
    "allowed_origins": st.lists(TEXT),
    "otlp_endpoint": st.just("http://collector:4318"),
    "audit_file": TEXT.map(Path),
    "trusted_proxies": st.lists(st.sampled_from(["::1", "10.0.0.0/8"])),
    "max_connections": st.integers(10, 10_000),
    "max_priority": st.integers(-9, 9),
    "max_priority_by_key": st.dictionaries(TEXT, st.integers(-9, 9)),
    "idle_timeout_s": st.integers(1, 1000),
    "webhook_root_secret": st.text(
        st.characters(categories=["L", "N", "P"]), min_size=32
    ).map(SecretStr),
    "webhook_ports": st.lists(st.integers(1, 65535), min_size=1),
    "webhook_ca_file": TEXT.map(Path),
    "log_level": st.sampled_from(["debug", "info", "warning", "error"]),
    "lease_s": st.floats(11.0, 1e6),  # above twice heartbeat_s, whichever is drawn
    "heartbeat_s": st.floats(1e-6, 5.0),
}
"""Values of settings whose type and bounds alone do not say which are right."""


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Return a strategy for the values that a setting may have."""
    field = Settings.model_fields[name]
    known = VALUES.get(name)
    optional = type(None) in get_args(field.annotation)
    if known is None:
        kind = next(t for t in (*get_args(field.annotation), field.annotation) if t)
        known = {
            int: st.integers(lowest(field.metadata), 65_535 + lowest(field.metadata)),
            float: st.floats(1e-6, 1e9),
            bool: st.booleans(),
        }[kind]
    return st.none() | known if optional else known


def lowest(bounds: list[Any]) -> int:
    return next((b.ge for b in bounds if hasattr(b, "ge")), 0)


ALL_SETTINGS = st.fixed_dictionaries(
    {}, optional={name: values_of(name) for name in Settings.model_fields}
)
OWN = {"KANTOR_WORKERS": "3", "KANTOR_REDIS_URL": "redis://own", "KANTOR_PORT": "7"}


@hypothesis.settings(deadline=None)
@given(ALL_SETTINGS)
def test_every_setting_survives_the_way_to_a_child(values: dict[str, Any]) -> None:
    settings = Settings.model_validate(values)
    with mock.patch.dict(os.environ, environment(settings), clear=True):
        assert Settings() == settings
    with mock.patch.dict(os.environ, OWN | environment(settings), clear=True):
        child = Settings()  # which has variables of its own
    kept = {name: getattr(child, name) for name in settings.model_fields_set}
    assert kept == {name: getattr(settings, name) for name in kept}


def test_a_real_child_gets_nested_secrets_in_the_clear() -> None:
    settings = Settings.model_validate(
        {"api_keys": {"ann": "1a2b" * 16}, "workers": None}
    )
    code = "from kantor.service.settings import *; s = Settings(); "
    code += "print(s.api_keys['ann'][0].digest.get_secret_value(), s.workers)"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"KANTOR_WORKERS": "5"} | environment(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == ["1a2b" * 16, "None"]


def test_a_file_of_keys_is_handed_on_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f'{{"ann": "{"1a2b" * 16}"}}')
    settings = Settings.model_validate({"api_keys_file": path})
    own = {"KANTOR_API_KEYS": '{"eve": "x"}'}
    with mock.patch.dict(os.environ, own | environment(settings), clear=True):
        path.write_text(f'{{"bob": "{"1a2b" * 16}"}}')
        assert set(Settings().api_keys) == {"bob"}
    assert "1a2b" not in str(environment(settings))


def test_keys_in_a_variable_go_before_an_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    path.write_text("\n")  # as Compose has it where no file is named
    monkeypatch.setenv("KANTOR_API_KEYS", f'{{"ann": "{"1a2b" * 16}"}}')
    monkeypatch.setenv("KANTOR_API_KEYS_FILE", str(path))
    settings = Settings()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert set(settings.api_keys) == set(Settings().api_keys) == {"ann"}


@pytest.mark.parametrize("content", ["", "{}"])
def test_a_child_never_starts_open_where_its_parent_had_keys(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "keys"
    path.write_text(f'{{"ann": "{"1a2b" * 16}"}}')
    variables = environment(Settings.model_validate({"api_keys_file": path}))
    path.write_text(content)
    with (
        mock.patch.dict(os.environ, variables, clear=True),
        pytest.raises(ValidationError, match="expected api_keys"),
    ):
        Settings()


def test_workers_know_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f'{{"ann": "{"1a2b" * 16}"}}')
    settings = Settings.model_validate({"api_keys_file": path, "workers": 1})
    [worker] = worker_children(settings)
    path.write_text("broken")
    with mock.patch.dict(os.environ, worker._variables, clear=True):
        assert Settings().api_keys == {}


def test_what_is_no_address_of_a_proxy_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"networks, received 'proxy'"):
        Settings(trusted_proxies=["10.0.0.0/8", "proxy"])


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANTOR_REDIS_URL", "")
    monkeypatch.setenv("KANTOR_WORKERS", "")
    assert Settings() == Settings.model_validate({})
