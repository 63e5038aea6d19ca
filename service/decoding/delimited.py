"""The csv format, by pyarrow: as tools write it, in any dialect.

What a column holds is told by the start of the file; then every cell must be that, or
be missing. Where one is not, a second and slower pass finds each such cell, and either
takes the column for strings, if they are many, or names them.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kantor.service.decoding.complaints import unreadable
from kantor.service.decoding.dialect import LONG_LINE, MISSING, Dialect, dialect_of
from kantor.service.decoding.inspection import other_kinds
from kantor.service.decoding.kinds import FALSE, TRUE, CsvKind, kinds_of
from kantor.service.decoding.limits import MEBIBYTE, Limits, Undecodable
from kantor.service.decoding.reading import Reading
from kantor.service.decoding.sink import Sink
from kantor.service.decoding.text import TextFile, fallback_encoding

BLOCK_BYTES = MEBIBYTE
_ATTEMPTS = 4
_NOT_UTF8 = "invalid UTF8"
_TOO_LONG = "straddl"


def csv_to_npy(
    path: Path, output: Path, limits: Limits, reading: Reading | None = None
) -> None:
    """Read a csv file, and write its values and its names.

    Raises:
        Undecodable: A cell is not what its column holds, a row has another number of
            cells, or there are more of them than allowed.
    """
    import pyarrow as pa

    reading = reading or Reading()
    encoding, strings = reading.encoding, dict[int, CsvKind]()
    for _ in range(_ATTEMPTS):
        with TextFile(path, encoding, limits) as text:
            dialect = dialect_of(text.sample, reading, whole=text.whole)
            kinds = [strings.get(i, kind) for i, kind in enumerate(kinds_of(dialect))]
            try:
                _convert(text, output, limits, reading, dialect, kinds)
            except pa.ArrowInvalid as error:
                stopped = error
            except (pa.ArrowException, OSError) as error:
                raise unreadable("a csv file", error) from error
            else:
                return
        if _NOT_UTF8 in str(stopped) and encoding is None:
            encoding = fallback_encoding(b"")
        else:
            strings |= _explained(path, encoding, limits, dialect, kinds, stopped)
    raise unreadable("a csv file", stopped)


def tsv_to_npy(
    path: Path, output: Path, limits: Limits, reading: Reading | None = None
) -> None:
    """Read a tsv file: csv whose delimiter is the tab unless another is set.

    Raises:
        Undecodable: As `csv_to_npy`.
    """
    reading = reading or Reading()
    chosen = replace(reading, delimiter=reading.delimiter or "\t")
    csv_to_npy(path, output, limits, chosen)


def _convert(
    text: TextFile,
    output: Path,
    limits: Limits,
    reading: Reading,
    dialect: Dialect,
    kinds: list[CsvKind],
) -> None:
    """Read all rows as the kinds say.

    Raises:
        pyarrow.ArrowInvalid: A cell or a row is not as expected.
    """
    kept = [place for place, kind in enumerate(kinds) if kind is not CsvKind.NOTHING]
    names = dialect.names and [dialect.names[place] for place in kept]
    types = [kinds[place].arrow_type for place in kept]
    notes = _notes(text, dialect, given=reading)
    with Sink(output, names, types, limits, drop=reading.drop) as sink:
        places = [kept[place] for place in sink.read]
        places += [p for p, kind in enumerate(kinds) if kind is CsvKind.NOTHING]
        for batch in _without_blank_end(_batches(text, dialect, kinds, places)):
            sink.append(batch.columns[: len(sink.read)], batch.num_rows)
        sink.finish(notes)


def _batches(
    text: TextFile, dialect: Dialect, kinds: list[CsvKind], places: list[int]
) -> Iterator[Any]:
    """Yield batches of the columns at `places`, in that order."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(place) for place in range(dialect.width)]
    yield from csv.open_csv(
        pa.PythonFile(text, mode="r"),
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=BLOCK_BYTES,
            skip_rows=dialect.skip,
            column_names=names,
        ),
        parse_options=csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            newlines_in_values=True,
            ignore_empty_lines=False,
        ),
        convert_options=csv.ConvertOptions(
            column_types={
                str(place): kind.arrow_type for place, kind in enumerate(kinds)
            },
            include_columns=[str(place) for place in places],
            null_values=sorted(MISSING),
            strings_can_be_null=True,
            true_values=list(TRUE),
            false_values=list(FALSE),
            decimal_point=dialect.decimal,
        ),
    )


def _without_blank_end(batches: Iterator[Any]) -> Iterator[Any]:
    """Pass batches on, but for rows at the very end that hold nothing."""
    held: list[Any] = []
    for batch in batches:
        filled = batch.num_rows
        if all(column.null_count == filled for column in batch.columns):
            held.append(batch)
            continue
        while not any(column[filled - 1].is_valid for column in batch.columns):
            filled -= 1
        yield from held
        yield batch.slice(0, filled)
        held = [batch.slice(filled)] if filled < batch.num_rows else []


def _explained(
    path: Path,
    encoding: str | None,
    limits: Limits,
    dialect: Dialect,
    kinds: list[CsvKind],
    stopped: Exception,
) -> dict[int, CsvKind]:
    """Return what to read otherwise, now that the reader has stopped.

    Raises:
        Undecodable: Nothing can be read otherwise.
    """
    if _TOO_LONG in str(stopped):
        raise Undecodable(LONG_LINE)
    names = dialect.names or range(1, dialect.width + 1)
    with TextFile(path, encoding, limits) as text:
        strings = other_kinds(text, dialect, kinds, names)
    if not strings:
        raise unreadable("a csv file", stopped)
    return strings


def _notes(text: TextFile, dialect: Dialect, given: Reading) -> list[str]:
    """Say what was taken for granted that could have been otherwise."""
    notes = []
    if given.encoding is None and not text.encoding.startswith(("utf", "ascii")):
        notes.append(f"Text was read as {text.encoding}, since it is not UTF-8.")
    names = dialect.names or ()
    if given.header == "auto" and names and all(n.isdecimal() for n in names if n):
        notes.append(
            f"The first line ({', '.join(names[:3])}, ...) was taken for names, since "
            "the values below do not look like it."
        )
    return notes
