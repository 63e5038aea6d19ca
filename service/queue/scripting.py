"""Load the Lua scripts that lie beside this module."""

from functools import cache
from importlib.resources import files

_MENDING = frozenset({"claim", "discard", "mend", "reap"})
"""Scripts that take damaged jobs out of the way."""


@cache
def script_text(name: str) -> str:
    """Return a whole script: the helpers it needs, then `scripts/<name>.lua`."""
    folder = files("kantor.service.queue") / "scripts"
    helpers = ("common", "damage") if name in _MENDING else ("common",)
    parts = (folder / f"{part}.lua" for part in (*helpers, name))
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def milliseconds(seconds: float) -> int:
    """Return a duration as the scripts take it: whole milliseconds, at least one.

    >>> milliseconds(1.5), milliseconds(0.0)
    (1500, 1)
    """
    return max(1, round(seconds * 1000))
