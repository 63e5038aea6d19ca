"""The npz format: a zip archive that must hold exactly one npy array.

A zip says how large its members become, and may lie: what is declared is checked first,
what comes out is counted as it comes.
"""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from kantor.service.decoding.limits import MEBIBYTE, Limits, Undecodable
from kantor.service.decoding.npy import read_npy
from kantor.service.decoding.reading import Reading

MAX_RATIO = 100
RATIO_FLOOR_BYTES = 16 * MEBIBYTE
"""Below it a high ratio harms nobody: sparse data compress by more than 100."""
_CHUNK_BYTES = MEBIBYTE
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def npz_to_npy(
    path: Path, output: Path, limits: Limits, reading: Reading | None = None
) -> None:
    """Unpack the only member of an npz file, and check that it is an npy file.

    There is nothing to set about how it is read.

    Raises:
        Undecodable: Not such an archive, or larger than is allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _only_member(archive, limits)
            with archive.open(member) as packed, output.open("wb") as file:
                _copy(packed, file, member.file_size)
    except Undecodable:
        raise
    except _BROKEN as error:
        raise Undecodable("expected an npz file, received a broken zip") from error
    read_npy(output, limits)


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What zipfile raises for archives that are damaged, encrypted or exotic."""


def _only_member(archive: zipfile.ZipFile, limits: Limits) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise Undecodable(f"expected one array in the npz, received {len(members)}")
    member = members[0]
    if member.compress_type not in _METHODS:
        raise Undecodable("expected an npz that is stored or deflated")
    if member.file_size > limits.max_bytes + MEBIBYTE:  # the npy header comes on top
        raise Undecodable(
            f"expected at most {limits.max_bytes} bytes (max_dataset_bytes), "
            f"received an npz that unpacks to {member.file_size}"
        )
    allowed = max(RATIO_FLOOR_BYTES, MAX_RATIO * member.compress_size)
    if member.file_size > allowed:
        raise Undecodable(
            f"expected a compression ratio of at most {MAX_RATIO}, received "
            f"{member.file_size // max(1, member.compress_size)}"
        )
    return member


def _copy(packed: IO[bytes], file: IO[bytes], size: int) -> None:
    """Copy a member, never more than the size it declares."""
    copied = 0
    while chunk := packed.read(_CHUNK_BYTES):
        copied += len(chunk)
        if copied > size:
            raise Undecodable(f"expected a member of {size} bytes, received more")
        file.write(chunk)
