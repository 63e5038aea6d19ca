"""Keys come and go with their file; a broken file changes nothing."""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from kantor.service.api.background.keys import KeysFile
from kantor.service.api_keys import digest_of
from kantor.service.settings import Settings

PATIENCE_S = 10.0


def write(path: Path, *keys: str, owner: str = "ada") -> None:
    path.write_text(json.dumps({owner: [digest_of(key) for key in keys]}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "keys.json"
    write(found, "kt_old")
    return found


@pytest.fixture
def keyed(settings: Settings, path: Path) -> Settings:
    return Settings.model_validate(settings.model_dump() | {"api_keys_file": path})


def owners(found: Settings | None) -> dict[str, int]:
    assert found is not None
    return {owner: len(keys) for owner, keys in found.api_keys.items()}


def test_settings_take_the_keys_from_their_file(keyed: Settings) -> None:
    assert owners(keyed) == {"ada": 1}


def test_an_unchanged_file_changes_nothing(keyed: Settings, path: Path) -> None:
    file = KeysFile(path, keyed)
    assert file.changed() is None
    os.utime(path)
    assert file.changed() is None


def test_a_changed_file_gives_its_keys_once(keyed: Settings, path: Path) -> None:
    file = KeysFile(path, keyed)
    write(path, "kt_old", "kt_new")
    assert owners(file.changed()) == {"ada": 2}
    assert file.changed() is None


@pytest.mark.parametrize("content", ['{"ada": ', '{"ada": "kt_new"}', "", "[]", "\xff"])
def test_a_broken_file_keeps_the_keys_and_is_logged_once(
    keyed: Settings, path: Path, content: str
) -> None:
    file = KeysFile(path, keyed)
    path.write_bytes(content.encode("latin-1"))
    with capture_logs() as logs:
        assert [file.changed(), file.changed()] == [None, None]
    assert [line["event"] for line in logs] == ["api_keys_unusable"]
    assert "kt_new" not in str(logs)
    write(path, "kt_new", owner="bob")
    assert owners(file.changed()) == {"bob": 1}


def test_a_file_that_is_gone_keeps_the_keys(keyed: Settings, path: Path) -> None:
    file = KeysFile(path, keyed)
    path.unlink()
    with capture_logs() as logs:
        assert [file.changed(), file.changed()] == [None, None]
    assert [line["log_level"] for line in logs] == ["error"]


def test_a_running_api_goes_by_the_new_keys(
    keyed: Settings, path: Path, serving: Any
) -> None:
    with serving(keyed) as (_, api):
        assert status(api, "kt_old") == 200
        draft = path.with_suffix(".draft")
        write(draft, "kt_new")
        draft.replace(path)
        deadline = time.monotonic() + PATIENCE_S
        while status(api, "kt_new") == 401 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (status(api, "kt_new"), status(api, "kt_old")) == (200, 401)


def status(api: httpx.Client, key: str) -> int:
    answer = api.get("/v1/jobs", headers={"Authorization": f"Bearer {key}"})
    return answer.status_code
