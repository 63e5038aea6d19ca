"""Keys are made, digested and listed; a key itself is on stdout, once."""

import io
import json
import sys
from pathlib import Path

import pytest

from kantor.service.api_keys import digest_of, parse_keys
from kantor.service.cli.app import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["kantor", "keys", *arguments])
    with pytest.raises(SystemExit) as exit_of:
        main()
    return int(exit_of.value.code or 0)


def document(told: str) -> str:
    return next(line for line in told.splitlines() if line.startswith("  {"))


def test_a_new_key_is_told_with_what_to_keep_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "new", "ada") == 0
    key, told = capsys.readouterr()
    [kept] = parse_keys(json.loads(document(told)))["ada"]
    assert kept.digest.get_secret_value() == digest_of(key.strip())
    assert key.strip() not in told
    assert "KANTOR_API_KEYS_FILE" in told


def test_scopes_and_a_name_stand_beside_the_digest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--scope", "metrics", "--scope", "read", "--name", "prometheus")
    assert run(monkeypatch, "new", "ops", *options) == 0
    [kept] = parse_keys(json.loads(document(capsys.readouterr().err)))["ops"]
    assert ([*kept.scopes], kept.name) == (["read", "metrics"], "prometheus")


@pytest.mark.parametrize("arguments", [("a b",), ("ada", "--scope", "admin")])
def test_a_wrong_owner_or_scope_makes_no_key(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    assert run(monkeypatch, "new", *arguments) == 2
    assert capsys.readouterr().out == ""


def test_a_key_is_digested_from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("kt_known\n"))
    assert run(monkeypatch, "digest", "ada") == 0
    out, told = capsys.readouterr()
    assert out.strip() == digest_of("kt_known")
    assert "kt_known" not in told


def test_the_keys_that_are_set_are_listed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, digest = tmp_path / "keys", digest_of("kt_known")
    path.write_text(json.dumps({"ada": digest}))
    monkeypatch.setenv("KANTOR_API_KEYS_FILE", str(path))
    assert run(monkeypatch, "list", "--json") == 0
    out = capsys.readouterr().out
    [item] = json.loads(out)
    assert item == {
        "owner": "ada",
        "name": digest[:8],
        "digest": digest[:8],
        "scopes": ["submit", "read"],
    }
    assert digest not in out
