"""The jsonl format, by pyarrow: one JSON object a line, whose keys are the columns.

Types are settled over the whole file. Where they do not agree, a slower pass finds the
line.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kantor.service.decoding.complaints import (
    Complaint,
    refusal,
    shown,
    unreadable,
)
from kantor.service.decoding.limits import MEBIBYTE, Limits, Undecodable
from kantor.service.decoding.reading import Reading
from kantor.service.decoding.sink import Sink
from kantor.service.decoding.text import TextFile

_BLOCK_BYTES = 4 * MEBIBYTE
_REMEDY = "write one JSON object a line, with values of one type under each key"
_WORDS = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def jsonl_to_npy(
    path: Path, output: Path, limits: Limits, reading: Reading | None = None
) -> None:
    """Read a jsonl file, and write its values and its names.

    Raises:
        Undecodable: A line is no object, or a key's values are not of one type.
    """
    import pyarrow as pa

    reading = reading or Reading()
    try:
        table = _parsed(path, limits, reading)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, Undecodable):
            raise
        with TextFile(path, reading.encoding, limits) as text:
            if found := refusal(_complaints(text), _REMEDY):
                raise found from error
        raise unreadable("a jsonl file", error) from error
    names, types = table.column_names, [column.type for column in table.columns]
    if not names:
        raise Undecodable("expected objects with keys, received empty ones")
    with Sink(output, names, types, limits, drop=reading.drop) as sink:
        for batch in table.to_batches():
            columns = [batch.column(place) for place in sink.read]
            sink.append(columns, batch.num_rows)
        sink.finish()


def _parsed(path: Path, limits: Limits, reading: Reading) -> Any:
    import pyarrow as pa
    from pyarrow import json as arrow_json

    with TextFile(path, reading.encoding, limits) as text:
        if not text.sample.strip():
            raise Undecodable("expected lines of JSON objects, received none")
        return arrow_json.read_json(
            pa.PythonFile(text, mode="r"),
            read_options=arrow_json.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES
            ),
        )


def _complaints(text: TextFile) -> Iterator[Complaint]:
    """Yield the lines that are no objects, and the values of another type."""
    lines = io.TextIOWrapper(io.BufferedReader(text), "utf-8", errors="replace")
    kinds: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield Complaint(number, None, "a JSON object", shown(line.strip()))
            continue
        if not isinstance(row, dict):
            yield Complaint(number, None, "a JSON object", shown(line.strip()))
            continue
        for name, value in row.items():
            if value is None:
                continue
            kind = _WORDS.get(type(value), "a list or an object")
            if kinds.setdefault(name, kind) != kind:
                wanted = f"{kinds[name]} as on the lines before"
                yield Complaint(number, name, wanted, shown(json.dumps(value)))
