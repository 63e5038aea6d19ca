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


def test_settings_survive_the_way_through_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings.model_validate(
        {"redis_url": "unix:///s", "data_dir": Path("/d"), "port": 1, "workers": None}
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
