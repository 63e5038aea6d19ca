"""The names and kinds of a table's columns, as they are stored beside its values."""

import hashlib
import json
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from kantor.estimator.samples.table import Column, Table

NAMES = ".names"


def names_document(table: Table) -> bytes:
    """Write columns and notes as JSON, equal ones alike."""
    document = {
        "columns": [column.to_document() for column in table.columns],
        "notes": list(table.notes),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return text.encode()


def table_of_document(names: bytes, values: NDArray[Any]) -> Table:
    """Return the table of values (n, d) that `names_document` has described."""
    document = json.loads(names)
    columns = tuple(Column.from_document(item) for item in document["columns"])
    return Table(columns, values, tuple(document["notes"]))


def columns_of_document(names: bytes) -> tuple[dict[str, Any], ...]:
    """Return name and kind of each column that `names_document` has described."""
    return tuple(
        {"name": column["name"], "kind": column["kind"]}
        for column in json.loads(names)["columns"]
    )


def beside(path: Path) -> Path:
    """Return where the names of the table in a file stand."""
    return path.with_suffix(NAMES)


def names_beside(path: Path) -> bytes | None:
    """Return the names of the table in a file; None for an array."""
    try:
        return beside(path).read_bytes()
    except FileNotFoundError:
        return None


def table_digest(values_digest: str, names: bytes) -> str:
    """Return the digest of a table: of its values, names, kinds and notes."""
    return hashlib.sha256(values_digest.encode() + b"\n" + names).hexdigest()
