"""The file formats that samples are read from: one table, which everybody asks.

`FORMATS` has one row a format: the extensions and media types by which it is known, how
its bytes begin, and its reader. The decoders, the API, the client, the command line and
the page (by `GET /v1/info`) take from here what they know of formats. To add one, add a
name to `FileFormat`, a row to `FORMATS`, and the reader that the row names; nothing
else. Nothing heavy is imported here, and the reader is loaded where it is run.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath


class FileFormat(StrEnum):
    """File formats that samples are read from."""

    NPY = "npy"
    NPZ = "npz"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"


@dataclass(frozen=True, kw_only=True)
class FormatRow:
    """What is known of a format.

    Attributes:
        extensions: Ends of file names, with the point; the first is the usual one.
        media_types: Values of `Content-Type`; the first is the one we send.
        magic: How such a file begins; None where it does not say.
        is_text: Whether it is text, which may be packed by gzip.
        reader: `module:function` in `kantor.service.decoding`, called in the sandbox
            with (path, output, limits, reading) to leave an npy file at `output`; None
            for npy itself, which is mapped as it is.
    """

    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    magic: bytes | None = None
    is_text: bool = False
    reader: str | None = None


FORMATS: dict[FileFormat, FormatRow] = {
    FileFormat.NPY: FormatRow(
        extensions=(".npy",),
        media_types=("application/x-npy",),
        magic=b"\x93NUMPY",
    ),
    FileFormat.NPZ: FormatRow(
        extensions=(".npz",),
        media_types=("application/x-npz",),
        magic=b"PK\x03\x04",
        reader="npz:npz_to_npy",
    ),
    FileFormat.CSV: FormatRow(
        extensions=(".csv", ".txt"),
        media_types=("text/csv",),
        is_text=True,
        reader="delimited:csv_to_npy",
    ),
    FileFormat.TSV: FormatRow(
        extensions=(".tsv", ".tab"),
        media_types=("text/tab-separated-values",),
        is_text=True,
        reader="delimited:tsv_to_npy",
    ),
    FileFormat.JSONL: FormatRow(
        extensions=(".jsonl", ".ndjson"),
        media_types=("application/jsonl", "application/x-ndjson"),
        is_text=True,
        reader="jsonl:jsonl_to_npy",
    ),
    FileFormat.PARQUET: FormatRow(
        extensions=(".parquet", ".pq"),
        media_types=("application/vnd.apache.parquet",),
        magic=b"PAR1",
        reader="parquet:parquet_to_npy",
    ),
    FileFormat.ARROW: FormatRow(
        extensions=(".arrow", ".feather", ".arrows", ".ipc"),
        media_types=(
            "application/vnd.apache.arrow.file",
            "application/vnd.apache.arrow.stream",
        ),
        magic=b"ARROW1",  # of a file; a stream does not say
        reader="ipc:ipc_to_npy",
    ),
}

PACKED = ".gz"
EXTENSIONS = tuple(name for row in FORMATS.values() for name in row.extensions)
MEDIA_TYPES = tuple(name for row in FORMATS.values() for name in row.media_types)

_USUAL = [row.extensions[0] for row in FORMATS.values()]
LISTED = f"{', '.join(_USUAL[:-1])} or {_USUAL[-1]}"
"""The usual extensions in words, for help."""

MAGIC_BYTES = max(len(row.magic or b"") for row in FORMATS.values())
UNKNOWN_MEDIA_TYPE = "application/octet-stream"


class UnknownFormat(ValueError):
    """Say that a file's name does not tell a format."""


def format_of_name(name: str) -> FileFormat:
    """Tell the format by a file's name; text may be packed by gzip.

    >>> format_of_name("samples.CSV")
    <FileFormat.CSV: 'csv'>

    Raises:
        UnknownFormat: It has no extension that is known.
    """
    plain = name.lower().removesuffix(PACKED)
    is_packed = plain != name.lower()
    for found, row in FORMATS.items():
        if plain.endswith(row.extensions) and (row.is_text or not is_packed):
            return found
    raise UnknownFormat(
        f"expected a file named {', '.join(EXTENSIONS)}, or .csv.gz and the like, "
        f"received {PurePath(name).name!r}"
    )


def format_of_media_type(media_type: str) -> FileFormat | None:
    """Tell the format by a Content-Type; None where it does not say.

    >>> format_of_media_type("text/csv; charset=utf-8")
    <FileFormat.CSV: 'csv'>
    """
    wanted = media_type.partition(";")[0].strip().lower()
    return next((f for f, row in FORMATS.items() if wanted in row.media_types), None)


def format_of_content(start: bytes) -> FileFormat | None:
    """Tell the format by the first `MAGIC_BYTES` of a file; None where they do not."""
    for found, row in FORMATS.items():
        if row.magic is not None and start.startswith(row.magic):
            return found
    return None


def media_type_of_name(name: str) -> str:
    """Return the Content-Type to send a file with; its content may tell the rest."""
    try:
        return FORMATS[format_of_name(name)].media_types[0]
    except UnknownFormat:
        return UNKNOWN_MEDIA_TYPE
