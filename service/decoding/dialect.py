"""Find out how a csv file is written: its delimiter, its decimal sign, its names.

Only the start of the file is looked at, and everything that is found can be set
instead. Records are split by Python's own csv module.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kantor.estimator.samples.looks import NUMBER
from kantor.service.decoding.limits import MEBIBYTE, Undecodable
from kantor.service.decoding.reading import Reading

DELIMITERS = ",;\t| "
MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
     "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "NaT", "None", "\\N", "n/a", "nan",
     "null"]
)  # fmt: skip
"""What tools write for a missing value."""

LONG_LINE = (
    f"expected lines of at most {MEBIBYTE} bytes, received a longer one: set the "
    "quotation mark of the file, if it has another"
)

_LINES = 200
_RECORDS = 5000
_CONSISTENT = 0.8
_COMMA = re.compile(r"\s*[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?\s*")
_POINT = re.compile(r"\s*[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?\s*")
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+\s*")
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_INTEGER = re.compile(r"\s*\d+\s*")

csv.field_size_limit(2**20)


@dataclass(frozen=True)
class Dialect:
    """How a csv file is written.

    Attributes:
        delimiter: Between cells.
        quote: Around cells that hold a delimiter.
        decimal: Before the fraction of a number.
        names: Of the columns; None where the file has none.
        skip: Lines before the first row of values.
        width: Cells of a row.
        rows: The first rows of values, for telling kinds.
    """

    delimiter: str
    quote: str
    decimal: str
    names: tuple[str, ...] | None
    skip: int
    width: int
    rows: tuple[tuple[str, ...], ...]


def dialect_of(sample: str, reading: Reading, *, whole: bool) -> Dialect:
    """Tell the dialect of a file by its start.

    Args:
        sample: The start of the file.
        reading: What is set already.
        whole: Whether the sample is the whole file; else its last line may be cut.

    Raises:
        Undecodable: There is nothing to read.
    """
    skip = 0
    if said := _SEPARATOR.match(sample):  # Excel's own word on its delimiter
        sample, skip = sample[said.end() :], 1
        reading = replace(reading, delimiter=reading.delimiter or said[1])
    if not whole:
        end = max(sample.rfind("\n"), sample.rfind("\r"))
        if end < 0:
            raise Undecodable(LONG_LINE)
        sample = sample[: end + 1]
    quote = reading.quote or _quote_of(sample)
    delimiter = reading.delimiter or _delimiter_of(sample, quote)
    records, lines = _records(sample, delimiter, quote)
    if not records:
        raise Undecodable("expected lines of values, received none")
    width = Counter(map(len, records[len(records) > 2 :])).most_common(1)[0][0]
    decimal = reading.decimal or _decimal_of(records[1:] or records, delimiter)
    first, rows = records[0], [row for row in records[1:] if len(row) == width]
    named = _has_names(first, rows, decimal, reading)
    if not named:
        names, rows = None, [row for row in records if len(row) == width]
    else:
        names, skip = _names(first, rows, width), skip + lines
        if not rows:
            raise Undecodable("expected rows of values below the names, received none")
    return Dialect(delimiter, quote, decimal, names, skip, width, tuple(rows))


def is_number(cell: str, decimal: str) -> bool:
    """Tell whether a cell is a number; missing values are none."""
    if decimal != ".":
        if "." in cell:
            return False
        cell = cell.replace(decimal, ".")
    return NUMBER.fullmatch(cell) is not None


def _records(
    sample: str, delimiter: str, quote: str, most: int = _RECORDS
) -> tuple[list[tuple[str, ...]], int]:
    """Return the first records that hold anything, and the lines up to the first."""
    reader = csv.reader(
        io.StringIO(sample, newline=""), delimiter=delimiter, quotechar=quote
    )
    records, lines = [], 0
    try:
        for record in reader:
            if record and any(record):
                lines = lines or reader.line_num
                records.append(tuple(record))
            if len(records) == most:
                break
    except csv.Error as error:
        raise Undecodable(f"expected a csv file, received: {error}") from error
    return records, lines


def _quote_of(sample: str) -> str:
    """Return the quotation mark at the edges of cells, double where in doubt."""
    single = len(re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n])", sample))
    double = len(re.findall(r'(?:^|[,;\t|])"[^"\n]*"(?=[,;\t|\r\n])', sample))
    return "'" if single > 1 and not double else '"'


def _delimiter_of(sample: str, quote: str) -> str:
    """Return the delimiter that makes rows of one width with the cleanest cells."""
    start = "".join(sample.splitlines(keepends=True)[:_LINES])
    best, found = (0.0, 0.0), ","
    for delimiter in DELIMITERS:
        try:
            records, _ = _records(start, delimiter, quote)
        except Undecodable:
            continue
        if not records:
            continue
        body = records[1:] or records
        width, count = Counter(map(len, body)).most_common(1)[0]
        if width < 2 or count < _CONSISTENT * len(body):
            continue
        cells = [cell for record in body if len(record) == width for cell in record]
        clean = sum(_is_clean(cell, delimiter) for cell in cells) / len(cells)
        if (clean, float(width)) > best:
            best, found = (clean, float(width)), delimiter
    return found


def _is_clean(cell: str, delimiter: str) -> bool:
    """Tell whether a cell holds no sign that looks as if it should have split it."""
    if delimiter == " ":
        return bool(cell) and is_number(cell, ".")
    if NUMBER.fullmatch(cell) or (delimiter != "," and _COMMA.fullmatch(cell)):
        return True
    return not any(other in cell for other in ",;\t|" if other != delimiter)


def _decimal_of(records: Sequence[Sequence[str]], delimiter: str) -> str:
    """Return the sign before the fractions of most numbers."""
    cells = [cell for record in records for cell in record]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    points = sum(1 for cell in cells if _POINT.fullmatch(cell))
    if delimiter == "," and all(_THOUSANDS.fullmatch(cell) for cell in commas):
        return "."
    return "," if len(commas) > points else "."


def _has_names(
    first: Sequence[str], rows: Sequence[Sequence[str]], decimal: str, reading: Reading
) -> bool:
    """Tell whether the first record holds names and not values."""
    if reading.header != "auto":
        return reading.header == "yes"
    given = [cell for cell in first if cell not in MISSING]
    numbers = [cell for cell in given if is_number(cell, decimal)]
    if not given:
        return False
    if len(numbers) == len(given):
        return _integers_above_others(first, rows)
    if len(numbers) > 1 and _counted(numbers) and not _repeats(first, rows):
        return True  # years above their columns
    return not _goes_on(first, rows, decimal)


def _counted(cells: Sequence[str]) -> bool:
    """Tell whether cells are integers that go up by one."""
    if not all(map(_INTEGER.fullmatch, cells)):
        return False
    return [int(cell) - int(cells[0]) for cell in cells] == list(range(len(cells)))


def _repeats(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a cell of the first record stands below itself once more."""
    return any(
        cell in {row[place] for row in rows}
        for place, cell in enumerate(first[: len(rows[0])] if rows else ())
    )


def _goes_on(first: Sequence[str], rows: Sequence[Sequence[str]], decimal: str) -> bool:
    """Tell whether the first record has numbers where the rows below have them.

    Where no column holds numbers, the first record is taken for names.
    """
    fits, misses = 0, 0
    for place, cell in enumerate(first[: len(rows[0])] if rows else first):
        below = [row[place] for row in rows if row[place] not in MISSING]
        holds = bool(below) and all(is_number(other, decimal) for other in below)
        if holds and cell not in MISSING:
            fits += is_number(cell, decimal)
            misses += not is_number(cell, decimal)
    return fits > misses


def _integers_above_others(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether distinct integers stand above rows that do not look like them.

    0, 1, 2, ... (as arrays get for names) above rows of which none is all integers; or
    any distinct integers above values that are all written with a fraction.
    """
    cells = [cell.strip() for cell in first if cell not in MISSING]
    if not rows or not all(map(_INTEGER.fullmatch, cells)):
        return False
    if len(set(cells)) < len(cells):
        return False
    counts = _counted(cells) and int(cells[0]) in (0, 1)
    if counts and not first[0] and all(row[0] for row in rows):
        return True  # pandas leaves the place above its index empty
    values = [[cell for cell in row if cell not in MISSING] for row in rows]
    if all(_POINT.fullmatch(c.replace(",", ".")) for row in values for c in row):
        return True
    alike = any(all(map(_INTEGER.fullmatch, row)) for row in values)
    return counts and len(cells) > 2 and not alike


def _names(
    first: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> tuple[str, ...]:
    """Return `width` names; one that lacks belongs to R's row names, or is empty."""
    names = [name.strip() for name in first]
    if names[0].startswith("#"):  # as numpy and others write it
        names[0] = names[0].removeprefix("#").strip()
        names = names[1:] if not names[0] and len(names) > width else names
    if len(names) == width + 1 and not names[-1]:
        return tuple(names[:-1])
    if len(names) == width - 1:
        trailing = all(row[-1] in MISSING for row in rows)
        return (*names, "") if trailing else ("", *names)
    if len(names) != width:
        raise Undecodable(
            f"expected as many names on the first line as there are cells below "
            f"({width}), received {len(names)}: correct the line, or set the delimiter "
            "of the file"
        )
    return tuple(names)
