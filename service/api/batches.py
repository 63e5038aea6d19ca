"""The body of a batch: undamaged, and samples in JSON or in a file's format."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kantor.estimator.samples.pair import check_samples
from kantor.estimator.samples.table import Table
from kantor.service.api.bodies import media_type, parse_json, validated
from kantor.service.api.columns import table_of_columns
from kantor.service.api.documents import check_rows
from kantor.service.api.errors import (
    BodyTooLarge,
    DigestMismatch,
    InvalidFile,
    UnsupportedMedia,
)
from kantor.service.api.intake import refuse_booleans
from kantor.service.api.schemas import InlineSamples
from kantor.service.decoding import Limits, Reading, Undecodable, decode
from kantor.service.formats import MEDIA_TYPES, format_of_media_type
from kantor.service.store import Stored


@contextmanager
def batch_rows(
    path: Path,
    content_type: str,
    limits: Limits,
    reading: Reading,
    *,
    max_json_bytes: int,
    max_json_rows: int,
) -> Iterator[Stored]:
    """Lend the samples (n, d) in a received body: an array, or a table.

    Raises:
        UnsupportedMedia: It is neither JSON nor a format that is read here.
        ServiceError, InvalidSamples: It is not what it says, or no samples.
    """
    if media_type(content_type) == "application/json":
        yield _written_out(path, max_json_bytes, max_json_rows)
        return
    file_format = format_of_media_type(content_type)
    if file_format is None:
        formats = ", ".join(MEDIA_TYPES)
        raise UnsupportedMedia(
            f"expected a Content-Type of application/json, {formats}"
        )
    try:
        with decode(path, file_format, limits, reading) as found:
            is_table = isinstance(found, Table)
            yield found if is_table else check_samples("", found, fewest=1)
    except Undecodable as error:
        raise InvalidFile.at("#", str(error)) from error


def check_digest(path: Path, header: str | None) -> None:
    """Check a body against its `Content-Digest` (RFC 9530), if it has one.

    Raises:
        DigestMismatch: They differ, or the header has no sha-256.
    """
    if header is None:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if not hmac.compare_digest(_declared_digest(header), digest):
        raise DigestMismatch("expected the body that Content-Digest describes")


def _declared_digest(header: str) -> bytes:
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "sha-256" and value[:1] == value[-1:] == ":":
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except binascii.Error:
                break
    raise DigestMismatch("expected Content-Digest: sha-256=:<base64>:")


def _written_out(path: Path, max_bytes: int, max_rows: int) -> Stored:
    if path.stat().st_size > max_bytes:
        raise BodyTooLarge(max_bytes, "max_json_bytes")
    body = path.read_bytes()
    check_rows(body, max_rows)
    document = parse_json(body)
    if isinstance(document, dict) and "columns" in document:
        return table_of_columns(document)
    rows = validated(InlineSamples, document).samples
    refuse_booleans("samples", rows)
    return check_samples("samples", rows, fewest=1)
