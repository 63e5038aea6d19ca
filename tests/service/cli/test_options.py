"""Options that follow from the settings, without running an estimation."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kantor.estimator import EstimateConfig, InvalidConfig
from kantor.service.cli.app import app as kantor
from kantor.service.cli.options import (
    FAILING,
    READING,
    SETTINGS,
    names_of,
    with_options,
)

NAMES = [item.name for item in fields(EstimateConfig)]


def asked(*arguments: str) -> dict[str, Any]:
    """Return what a command receives for a command line."""
    received: dict[str, Any] = {}

    @with_options(SETTINGS, READING, FAILING)
    def command(
        settings: dict[str, Any], reading: dict[str, str], threshold: float | None
    ) -> None:
        received.update(settings=settings, reading=reading, threshold=threshold)

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return received


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_an_option(name: str) -> None:
    assert name in [option.name for option in SETTINGS.options]


@pytest.mark.parametrize("command", ["estimate", "submit"])
def test_help_shows_every_setting_with_its_range(command: str) -> None:
    wide = {"COLUMNS": "200", "TERM": "dumb"}
    text = CliRunner().invoke(kantor, [command, "-h"], env=wide).output
    for name in NAMES:
        assert f"--{name.replace('_', '-')}" in text
    assert "Range: > 0.0 and <= 1.0" in text
    assert "Settings: evidence" in text


def test_what_is_not_said_is_not_set() -> None:
    assert asked() == {"settings": {}, "reading": {}, "threshold": None}


def test_every_kind_of_setting_arrives_as_what_it_is() -> None:
    settings = asked(
        "--effort", "quick", "--steps", "7", "--learning-rate", "0.5",
        "--no-sample-bounds", "--drop", 'a,"b, c"', "--columns", "common",
        "--category-weights", "city=2", "--category-weights", "a=b=0.5",
        "--method", "student", "--device", "cpu",
    )["settings"]  # fmt: skip
    assert settings == {
        "effort": "quick", "steps": 7, "learning_rate": 0.5, "sample_bounds": False,
        "drop": ["a", "b, c"], "columns": "common", "device": "cpu",
        "category_weights": {"city": 2.0, "a=b": 0.5}, "bound_method": "student",
    }  # fmt: skip
    EstimateConfig.from_dict(settings)


@pytest.mark.parametrize("name", ["c.yaml", "c.json", "c.toml"])
def test_options_stand_over_the_file(tmp_path: Path, name: str) -> None:
    text = {
        "c.yaml": "seed: 1\neffort: quick\n",
        "c.json": '{"seed": 1, "effort": "quick"}',
        "c.toml": 'seed = 1\neffort = "quick"\n',
    }[name]
    (tmp_path / name).write_text(text)
    found = asked("--config", str(tmp_path / name), "--seed", "2")
    assert found["settings"] == {"seed": 2, "effort": "quick"}


def test_a_weight_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="category_weights: expected NAME=NUMBER"):
        asked("--category-weights", "city=much")


@pytest.mark.parametrize(
    ("arguments", "threshold"),
    [
        ((), None),
        (("--fail-above", "0.5"), 0.5),
        (("--fail-if-different",), 0.0),
        (("--fail-above", "0.5", "--fail-if-different"), 0.0),
    ],
)
def test_the_strictest_threshold_counts(
    arguments: tuple[str, ...], threshold: float | None
) -> None:
    assert asked(*arguments)["threshold"] == threshold


def test_names_may_hold_commas() -> None:
    assert names_of('age, "income, net"') == ["age", "income, net"]


def test_a_command_keeps_its_own_options_and_words() -> None:
    @with_options(FAILING)
    def command(name: str, threshold: float | None, count: int = 3) -> None:
        """Do it."""

    assert command.__doc__ == "Do it."
    parameters = list(inspect.signature(command).parameters)
    assert parameters == ["name", "count", "fail_above", "fail_if_different"]
