"""Write the tables that follow from the code: `python -m docs.tables` (`make docs`).

A table stands between two markers, such as `<!-- settings -->` and
`<!-- /settings -->`. A test asserts that what is committed is what this program would
write.
"""

import re
from collections.abc import Callable
from pathlib import Path

from pydantic_core import PydanticUndefined

from kantor.service.config_form import SettingView, setting_views
from kantor.service.settings import Settings
from tests.service.decoding import matrix

PAGES = [
    Path(__file__).with_name(name)
    for name in ("operations.md", "files.md", "python.md")
]


def settings_table() -> str:
    """Return the settings as a Markdown table, in the order of their declaration."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = _shown(field.default)
        lines.append(
            f"| `KANTOR_{name.upper()}` | {default} | {field.description or ''} |"
        )
    return "\n".join(lines) + "\n"


def config_table() -> str:
    """Return the settings of an estimation, by what they are about."""
    lines = []
    group = ""
    for view in setting_views():
        if view.group != group:
            group = view.group
            lines += ["", f"**{group}**", "", *_CONFIG_HEAD]
        default = "" if view.default in (None, ()) else _shown(view.default)
        meaning = view.meaning.replace("|", "\\|")
        lines.append(f"| `{view.name}` | {_allowed(view)} | {default} | {meaning} |")
    return "\n".join(lines[1:]) + "\n"


_CONFIG_HEAD = ("| setting | may be | default | meaning |", "|---|---|---|---|")
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def _allowed(view: SettingView) -> str:
    """Return what a setting may be: its words, or its type and range."""
    if view.choices:
        words = ", ".join(f"`{word}`" for word in view.choices)
        return f"names, or {words}" if view.type == "list" else words
    kind = {"list": "names", "json": "numbers by name"}.get(view.type, view.type)
    ends = [f"{_SIGNS[key]} {bound}" for key, bound in view.bounds.items()]
    return " ".join([kind, " and ".join(ends)]).strip()


def with_tables(text: str) -> str:
    """Return a page with its tables as they should be."""
    for name, table in _TABLES.items():
        block = rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)"
        text = re.sub(block, _plainly(table()), text, flags=re.DOTALL)
    return text


def _plainly(text: str) -> Callable[[re.Match[str]], str]:
    """Return what puts a text in place as it is, with its backslashes."""
    return lambda _: text


def _shown(default: object) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    if isinstance(default, bool):
        default = str(default).lower()
    return f"`{default}`" if default != "" else ""


_TABLES = {
    "settings": settings_table,
    "config": config_table,
    "files": matrix.as_markdown,
}

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_tables(page.read_text()))
