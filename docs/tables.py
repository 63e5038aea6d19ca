"""Write the tables that follow from the code: `python -m docs.tables` (`make docs`).

A table stands between two markers, `<!-- settings -->` and `<!-- /settings -->`. A test
asserts that what is committed is what this program would write.
"""

import re
from pathlib import Path

from pydantic_core import PydanticUndefined

from kantor.service.settings import Settings

OPERATIONS = Path(__file__).with_name("operations.md")
BLOCK = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- /settings -->)", re.DOTALL)


def settings_table() -> str:
    """Return the settings as a Markdown table, in the order of their declaration."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = _shown(field.default)
        lines.append(
            f"| `KANTOR_{name.upper()}` | {default} | {field.description or ''} |"
        )
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """Return a page with its tables as they should be."""
    return BLOCK.sub(lambda _: settings_table(), text)


def _shown(default: object) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    if isinstance(default, bool):
        default = str(default).lower()
    return f"`{default}`" if default != "" else ""


if __name__ == "__main__":
    OPERATIONS.write_text(with_tables(OPERATIONS.read_text()))
