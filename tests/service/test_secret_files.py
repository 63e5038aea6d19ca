import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from redis.connection import parse_url

from kantor.service.secret_files import SecretUnreadable, holds_secret, variable_of
from kantor.service.settings import Settings, environment

SECRETS = {
    "redis_url",
    "redis_password",
    "bucket_access_key",
    "bucket_secret_key",
    "api_keys",
    "webhook_root_secret",
}
DIGEST = "ab" * 32


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "secret"
    monkeypatch.setenv("KANTOR_REDIS_URL", "redis://valkey:6379/0")
    monkeypatch.setenv("KANTOR_REDIS_PASSWORD_FILE", str(path))
    return path


def test_every_secret_can_stand_in_a_file() -> None:
    fields = Settings.model_fields.items()
    assert {n for n, f in fields if holds_secret(f.annotation)} == SECRETS


@pytest.mark.parametrize("password", ["a/b@c+d%e", "#?&:", "%2F", "ä b"])
def test_a_password_of_any_characters_is_taken_from_a_file(
    written: Path, password: str
) -> None:
    written.write_text(password + "\n")
    url = Settings().redis_url
    assert url is not None
    found = parse_url(url.get_secret_value())  # type: ignore[no-untyped-call]
    assert (found["password"], found["host"]) == (password, "valkey")


def test_keys_stand_in_a_file_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    path.write_text(f'{{"ada": "{DIGEST}"}}')
    monkeypatch.setenv("KANTOR_API_KEYS_FILE", str(path))
    [key] = Settings().api_keys["ada"]
    assert key.digest.get_secret_value() == DIGEST


def test_an_empty_file_is_no_secret(written: Path) -> None:
    written.write_text("\n")
    assert Settings().redis_password is None


def test_an_absent_file_is_named(written: Path) -> None:
    with pytest.raises(SecretUnreadable, match=r"KANTOR_REDIS_PASSWORD_FILE.*/secret"):
        Settings()


def test_a_file_that_is_no_json_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    path.write_text("hunter2")
    monkeypatch.setenv("KANTOR_API_KEYS_FILE", str(path))
    with pytest.raises(SecretUnreadable, match="expected JSON") as refused:
        Settings()
    assert "hunter2" not in str(refused.value)


def test_a_secret_has_one_place(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written.write_text("one")
    monkeypatch.setenv("KANTOR_REDIS_PASSWORD", "two")
    with pytest.raises(SecretUnreadable, match="received both"):
        Settings()


def test_a_child_process_gets_the_secret_once(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.write_text("a/b")
    settings = Settings()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert os.environ["KANTOR_REDIS_PASSWORD_FILE"] == ""
    assert Settings() == settings


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_an_empty_variable_is_as_good_as_none(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable_of(name), "")
    monkeypatch.setenv(f"{variable_of(name)}_FILE", "")
    assert Settings() == Settings.model_construct(**Settings().model_dump())


def test_two_passwords_are_refused_and_not_shown(written: Path) -> None:
    written.write_text("hunter2")
    with pytest.raises(ValidationError, match="expected one password") as refused:
        Settings.model_validate(
            {"redis_url": "redis://:hunter3@h:1", "redis_password": "hunter2"}
        )
    assert "hunter" not in str(refused.value)
