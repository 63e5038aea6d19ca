"""What strings look like: numbers, dates, or numbers in another notation.

Patterns only. They decide what a file's column is read as, and they keep strings that
stand for a quantity from entering a distance as if they were categories.
"""

import re
from collections.abc import Collection

NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?)\s*",
    re.IGNORECASE,
)
"""A number with a decimal point, as C's strtod reads it."""

_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_ZONE = r"\s?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})"
ISO_MOMENT = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}([ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?({_ZONE})?)?"
)
"""A date, or a date and time, of ISO 8601."""
ISO_ZONE = re.compile(rf".*\d{{2}}:\d{{2}}.*?({_ZONE})")

_OTHER_MOMENT = re.compile(
    rf"(\d{{1,2}}[./-]\d{{1,2}}[./-](\d{{4}}|\d{{2}})|\d{{4}}[./]\d{{1,2}}[./]\d{{1,2}})"
    rf"([ T,]+{_CLOCK}(\s?[ap]\.?m\.?)?({_ZONE})?)?|{_CLOCK}(\s?[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\s*[+-]?\d{1,3}([,.'’   ]\d{3})+([.,]\d+)?\s*")
_SIGNED = re.compile(r"\s*[$€£¥]?\s?[+-]?\d+([.,]\d+)?\s?[%$€£¥]?\s*")

MOST, HALF = 0.9, 0.5


def most(pattern: re.Pattern[str], words: Collection[str], share: float = MOST) -> bool:
    """Tell whether a share of the words, at least, fit a pattern."""
    return bool(words) and share_of(pattern, words) >= share


def share_of(pattern: re.Pattern[str], words: Collection[str]) -> float:
    """Return the share of the words that fit a pattern; 0 for none."""
    return sum(map(bool, map(pattern.fullmatch, words))) / max(1, len(words))


def looks_like_dates(words: Collection[str]) -> bool:
    """Tell whether strings are dates or times, in whatever order of day and month."""
    return most(ISO_MOMENT, words) or most(_OTHER_MOMENT, words)


def quantity_hint(words: Collection[str]) -> str:
    """Say how strings that are numbers are written; empty where they are not.

    Plain numbers as strings are left to be levels: whoever has typed them so may mean
    codes. Comma for point, separated thousands and signs are slips of an export.
    """
    plain = share_of(NUMBER, words)
    if plain == 1.0:
        return ""
    others = [word for word in words if not NUMBER.fullmatch(word)]
    if plain >= HALF:
        return f"numbers, and others such as {others[0]!r}"
    if most(_GROUPED, others) or most(_SIGNED, others):
        return f"numbers written as {others[0]!r}"
    return ""
