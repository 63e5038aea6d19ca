"""Options about tables: which columns, in which metric, and how files are read."""

import csv
from typing import Any

import typer

COLUMNS = typer.Option(
    help="Columns to compare: names with commas between them, or common."
)
DROP = typer.Option(help="Columns to leave out: names with commas between them.")
NA = typer.Option(help="Missing values: refuse, drop (their rows) or indicator.")
DATES = typer.Option(help="Dates and times: refuse, or as-number (days).")
SCALING = typer.Option(help="auto, scalar or standardize.")
CATEGORY_WEIGHT = typer.Option(help="Distance of rows that differ in a category.")
DELIMITER = typer.Option(help="Sign between the cells of a csv file; tab is one, too.")
QUOTE = typer.Option(help="Quotation mark of a csv file.")
DECIMAL = typer.Option(help="Decimal sign of a csv file: . or a comma.")
ENCODING = typer.Option(help="Encoding of a text file, such as utf-16 or cp1252.")
HEADER = typer.Option(help="Whether a csv file begins with names: auto, yes or no.")


def named_columns(columns: str | None, drop: str | None) -> dict[str, Any]:
    """Return the settings `columns` and `drop` as they are written on a command line.

    A name that holds a comma stands between double quotation marks.
    """
    chosen: Any = columns if columns in (None, "common") else names_of(columns or "")
    return {"columns": chosen, "drop": None if drop is None else names_of(drop)}


def names_of(text: str) -> list[str]:
    """Split names at commas, as in a line of a csv file."""
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]
