"""Options that several commands share, and those that follow from the settings.

`with_options` gives a command the options of some groups; the command receives what a
group makes of them as one argument, named like the group.
"""

import csv
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import InvalidConfig
from kantor.service.cli.files import read_config
from kantor.service.config_form import SettingView, setting_views

Values = dict[str, Any]

_ALIASES = {"bound_method": ("--method",)}
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_TYPES: dict[str, Any] = {"integer": int, "number": float}


@dataclass(frozen=True)
class Group:
    """Options that make one argument of a command.

    Attributes:
        name: Of the argument.
        options: As parameters of a function, each with typer's annotation.
        make: Turns their values into the argument.
    """

    name: str
    options: tuple[inspect.Parameter, ...]
    make: Callable[[Values], Any]


def with_options(
    *groups: Group,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of some groups after its own."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        names = {group.name for group in groups}
        parameters = [p for p in own if p.name not in names]
        parameters += [option for group in groups for option in group.options]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            for group in groups:
                given = {o.name: values.pop(o.name) for o in group.options}
                values[group.name] = group.make(given)
            command(**values)

        ordered = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        del run.__wrapped__
        run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in ordered}
        return run

    return decorate


def option(
    name: str, annotation: Any, info: Any, default: Any = None
) -> inspect.Parameter:
    """Return one option of a group."""
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, info],
    )


def _setting_option(view: SettingView, hint: Any) -> inspect.Parameter:
    """Return the option of one setting: its words or its range, and its meaning."""
    flag = f"--{view.name.replace('_', '-')}"
    names = [f"{flag}/--no-{flag[2:]}"] if view.type == "boolean" else [flag]
    info = typer.Option(
        *names,
        *_ALIASES.get(view.name, ()),
        help=_help_of(view),
        rich_help_panel=f"Settings: {view.group.lower()}",
        metavar=_METAVARS.get(view.type),
        show_default=False,
    )
    if view.type == "json":
        return option(view.name, list[str] | None, info)
    return option(view.name, _annotation(view, hint), info)


_METAVARS = {"list": "NAMES", "json": "NAME=NUMBER", "integer": "N", "number": "X"}


def _annotation(view: SettingView, hint: Any) -> Any:
    if view.type == "choice":
        parts = [hint, *get_args(hint)]
        words = next(part for part in parts if get_origin(part) is Literal)
        return words | NoneType
    simple = bool if view.type == "boolean" else _TYPES.get(view.type, str)
    return simple | None


def _help_of(view: SettingView) -> str:
    """Return the meaning of a setting, its range and its default."""
    meaning = view.meaning.replace("null:", "left out:")
    parts = [meaning.replace("null for", "left out for")]
    if view.type == "list":
        parts.append("Names have commas between them.")
    if view.bounds:
        ends = [f"{_SIGNS[key]} {bound:,}" for key, bound in view.bounds.items()]
        parts.append(f"Range: {' and '.join(ends)}.")
    if view.default not in (None, ()):
        shown = str(view.default).lower() if view.type == "boolean" else view.default
        parts.append(f"Default: {shown}.")
    return " ".join(parts)


def _chosen(values: Values) -> Values:
    """Return the settings of a file with the given options over them."""
    found = read_config(values.pop("config"))
    views = {view.name: view for view in setting_views()}
    given = {
        name: _parsed(views[name], value)
        for name, value in values.items()
        if value not in (None, [])
    }
    return found | given


def _parsed(view: SettingView, value: Any) -> Any:
    if view.type == "list":
        return value if value in view.choices else names_of(value)
    if view.type == "json":
        return dict(_pair(view.name, text) for text in value)
    return value


def _pair(setting: str, text: str) -> tuple[str, float]:
    """Read NAME=NUMBER."""
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        reason = f"expected NAME=NUMBER, received {text!r}"
        raise InvalidConfig(setting, reason) from None


def names_of(text: str) -> list[str]:
    """Split names at commas, as in a line of a csv file.

    >>> names_of('age, "income, net"')
    ['age', 'income, net']
    """
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]


def _settings() -> Group:
    hints = get_type_hints(EstimateConfig)
    file = typer.Option(
        help="YAML, TOML or JSON file of settings; options stand over it.",
        rich_help_panel="Settings: common",
    )
    options = [_setting_option(view, hints[view.name]) for view in setting_views()]
    return Group("settings", (option("config", Path | None, file), *options), _chosen)


SETTINGS = _settings()
"""Every setting of an estimation, and a file of them."""

_FILES = "How files are read"
READING = Group(
    "reading",
    tuple(
        option(name, annotation, typer.Option(help=text, rich_help_panel=_FILES))
        for name, annotation, text in (
            ("delimiter", str | None, "Sign between cells of a csv; tab is one, too."),
            ("quote", str | None, "Quotation mark of a csv file."),
            ("decimal", str | None, "Decimal sign of a csv file: . or a comma."),
            ("encoding", str | None, "Of a text file, such as utf-16 or cp1252."),
            ("header", Literal["auto", "yes", "no"] | None, "Is line 1 of names?"),
        )
    ),
    lambda values: {k: v for k, v in values.items() if v is not None},
)
"""How to read text where a look at it says too little."""

_PIPELINES = "For pipelines"


def _threshold(values: Values) -> float | None:
    """Return the largest lower bound that is no failure; None: any."""
    above, different = values["fail_above"], values["fail_if_different"]
    given = [above] if above is not None else []
    return min([*given, *([0.0] if different else [])], default=None)


FAILING = Group(
    "threshold",
    (
        option(
            "fail_above",
            float | None,
            typer.Option(
                help="Exit with 3 if the lower bound is above this distance.",
                metavar="D",
                rich_help_panel=_PIPELINES,
            ),
        ),
        option(
            "fail_if_different",
            bool,
            typer.Option(
                "--fail-if-different",
                help="Exit with 3 if the distributions differ: the bound is above 0.",
                rich_help_panel=_PIPELINES,
            ),
            default=False,
        ),
    ),
    _threshold,
)
"""When an answer is a failure of the pipeline that asked."""

PLOT = typer.Option("--plot", help="Draw curve and histogram in the terminal.")
HTML = typer.Option("--html", help="File for a report that needs nothing else.")
AS_JSON = typer.Option("--json", help="Print the document alone on stdout.")
SOURCE_WEIGHTS = typer.Option(help="Weights of the source samples: one column.")
TARGET_WEIGHTS = typer.Option(help="Weights of the target samples.")
