"""The body of a batch: undamaged, and rows of samples in npy or JSON."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.pair import check_samples
from kantor.service.api.bodies import media_type, parse_json, validated
from kantor.service.api.errors import (
    BodyTooLarge,
    DigestMismatch,
    InvalidFile,
    UnsupportedMedia,
)
from kantor.service.api.intake import refuse_booleans
from kantor.service.api.schemas import InlineSamples
from kantor.service.decoding import Limits, Undecodable, decode
from kantor.service.formats import FileFormat, format_of_media_type

Rows = NDArray[Any]


@contextmanager
def batch_rows(
    path: Path, content_type: str, limits: Limits, *, max_json_bytes: int
) -> Iterator[Rows]:
    """Lend the samples (n, d) in a received body.

    Raises:
        UnsupportedMedia: It is neither npy nor JSON.
        ServiceError, InvalidSamples: It is not what it says, or no samples.
    """
    if media_type(content_type) == "application/json":
        yield _rows(path, max_json_bytes)
        return
    if format_of_media_type(content_type) is not FileFormat.NPY:
        raise UnsupportedMedia("expected application/x-npy or application/json")
    try:
        with decode(path, FileFormat.NPY, limits) as array:
            yield check_samples("", array, fewest=1)
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


def _rows(path: Path, max_bytes: int) -> NDArray[np.generic]:
    if path.stat().st_size > max_bytes:
        raise BodyTooLarge(max_bytes)
    rows = validated(InlineSamples, parse_json(path.read_bytes())).samples
    refuse_booleans("samples", rows)
    return check_samples("samples", rows, fewest=1)
