"""Go through a csv file cell by cell, to say what is wrong with it and where.

The fast reader stops at the first cell that it cannot take, and counts rows, not lines.
This pass is run only then.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from kantor.estimator.samples.looks import MOST
from kantor.service.decoding.complaints import Complaint, refusal, shown
from kantor.service.decoding.dialect import MISSING, Dialect
from kantor.service.decoding.kinds import CsvKind
from kantor.service.decoding.limits import Undecodable
from kantor.service.decoding.text import TextFile

_REMEDY = "correct the cells, or empty them where the value is not known"
_NAMED_REMEDY = f"{_REMEDY}, or leave out the column (setting drop)"
_ROWS_REMEDY = (
    "correct the lines, or set the delimiter or the quotation mark of the file"
)


def rows_of(text: TextFile, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines (from 1) and cells of all rows of values that are not empty."""
    lines = io.TextIOWrapper(
        io.BufferedReader(text), "utf-8", errors="replace", newline=""
    )
    for _ in range(dialect.skip):
        lines.readline()
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
    before = 0
    try:
        for row in reader:
            if row:
                yield dialect.skip + before + 1, row
            before = reader.line_num
    except csv.Error as error:
        raise Undecodable(
            f"expected a csv file, received on line {dialect.skip + before + 1}: "
            f"{error}"
        ) from error


def other_kinds(
    text: TextFile,
    dialect: Dialect,
    kinds: Sequence[CsvKind],
    names: Sequence[str | int],
) -> dict[int, CsvKind]:
    """Return columns that are strings after all, as many of their cells are no others.

    Args:
        text: The file, from its start.
        dialect: How it is written.
        kinds: What each column has been read as.
        names: What to call each column.

    Raises:
        Undecodable: Rows are not of one width, or columns have a few cells of another
            kind; the first of them are named, the others counted.
    """
    tests = {
        place: kind.test(dialect.decimal)
        for place, kind in enumerate(kinds)
        if kind is not CsvKind.STRING
    }
    present, wrong = dict.fromkeys(tests, 0), dict.fromkeys(tests, 0)
    cells: list[Complaint] = []
    widths: list[Complaint] = []
    for line, row in rows_of(text, dialect):
        if len(row) != dialect.width:
            expected = f"{dialect.width} cells on every line"
            widths.append(Complaint(line, None, expected, f"{len(row)}"))
            continue
        for place, test in tests.items():
            cell = row[place]
            if cell in MISSING:
                continue
            present[place] += 1
            if not test(cell):
                wrong[place] += 1
                cells.append(
                    Complaint(line, names[place], str(kinds[place]), shown(cell))
                )
    if found := refusal(widths, _ROWS_REMEDY):
        raise found
    strings = {
        place: CsvKind.STRING
        for place, count in wrong.items()
        if count > (1.0 - MOST) * present[place] and dialect.names is not None
    }
    remedy = _REMEDY if dialect.names is None else _NAMED_REMEDY
    if not strings and (found := refusal(cells, remedy)):
        raise found
    return strings
