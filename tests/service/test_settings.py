from pathlib import Path

import pytest
from pydantic import ValidationError

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


def test_settings_survive_the_way_through_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings.model_validate(
        {"redis_url": "unix:///s", "data_dir": Path("/d"), "port": 1, "workers": None}
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
