"""Errors of the command line itself, as a person and as a program read them."""

import json
import sys

import pytest

from kantor.service.cli.app import main
from kantor.service.client import KantorClient


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["kantor", *arguments])
    with pytest.raises(SystemExit) as exit_of:
        main()
    return int(exit_of.value.code or 0)


def test_a_wrong_command_line_says_where_its_help_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "estimate", "x.npy") == 2
    told = capsys.readouterr().err
    assert told.startswith("error: Missing argument 'target'")
    assert "help: kantor estimate -h" in told


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(("estimate", "x", "y", "--norm", "l3"), "norm"), (("estimate", "x"), "target")],
)
def test_a_program_reads_a_document_with_the_field(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    field: str,
) -> None:
    assert ended(monkeypatch, *arguments, "--json") == 2
    problem = json.loads(capsys.readouterr().err)
    assert (problem["code"], problem["field"]) == ("usage", field)


def test_an_unknown_option_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "jobs", "list", "--limt", "3") == 2
    assert "--limt" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("-h",), ("jobs", "-h"), ("--version",)])
def test_help_and_version_end_well(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    assert ended(monkeypatch, *arguments) == 0


def test_ctrl_c_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(KantorClient, "job", interrupted)
    assert ended(monkeypatch, "jobs", "show", "job_1") == 130
    assert capsys.readouterr().err == "error: interrupted\n"
