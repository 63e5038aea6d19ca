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
    with pytest.raises(ValidationError, match="expected heartbeat_s below lease_s"):
        Settings(lease_s=1.0, heartbeat_s=2.0)


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
SECRET = TEXT.map(SecretStr)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "data_dir": TEXT.map(Path),
    "redis_url": SECRET,
    "key_prefix": st.from_regex(r"[A-Za-z0-9_.:-]+", fullmatch=True),
    "host": TEXT,
    "api_keys": st.dictionaries(TEXT, SECRET),
    "webhook_root_secret": st.text(
        st.characters(categories=["L", "N", "P"]), min_size=32
    ).map(SecretStr),
    "webhook_ports": st.lists(st.integers(1, 65535), min_size=1),
    "webhook_ca_file": TEXT.map(Path),
    "log_level": st.sampled_from(["debug", "info", "warning", "error"]),
    "lease_s": st.floats(6.0, 1e6),  # above heartbeat_s, whatever is drawn or left out
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
    settings = Settings.model_validate({"api_keys": {"ann": "1a2b"}, "workers": None})
    code = "from kantor.service.settings import *; s = Settings(); "
    code += "print(s.api_keys['ann'].get_secret_value(), s.workers)"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"KANTOR_WORKERS": "5"} | environment(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == ["1a2b", "None"]


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANTOR_REDIS_URL", "")
    monkeypatch.setenv("KANTOR_WORKERS", "")
    assert Settings() == Settings.model_validate({})
