"""The few fields of Arrow's flatbuffers that say whether a message is compressed.

Field numbers are those of Message.fbs and File.fbs in Arrow's format folder. pyarrow
has no call that tells it without unpacking.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER_TYPE, _HEADER = 1, 2  # of a Message
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # types of its header
_DATA = 1  # of a DictionaryBatch
_COMPRESSION = 3  # of a RecordBatch
_DICTIONARIES, _BATCHES = 2, 3  # of a Footer

_TAIL_BYTES = 10  # the size of the footer, and the magic string
_BLOCK_BYTES = 24  # offset, size of the metadata (padded), size of the body
_CONTINUATION = b"\xff\xff\xff\xff"
_MAX_METADATA_BYTES = 16 * 1024 * 1024


def is_compressed(message: bytes) -> bool:
    """Tell whether the body of a message is compressed, by its metadata.

    Raises:
        ValueError, struct.error: It is no such message.
    """
    table = _root(message)
    kind, header = _field(message, table, _HEADER_TYPE), _field(message, table, _HEADER)
    if kind is None or header is None:
        return False
    batch = _target(message, header)
    if message[kind] == _DICTIONARY_BATCH:
        data = _field(message, batch, _DATA)
        if data is None:
            return False
        batch = _target(message, data)
    elif message[kind] != _RECORD_BATCH:
        return False
    return _field(message, batch, _COMPRESSION) is not None


def footer_messages(path: Path) -> Iterator[bytes]:
    """Yield the metadata of every message that the footer of an Arrow file lists.

    Raises:
        ValueError, struct.error: It has no such footer.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        length = struct.unpack_from("<i", file.read(_TAIL_BYTES))[0]
        if not 0 < length <= min(size - _TAIL_BYTES, _MAX_METADATA_BYTES):
            raise ValueError("a file without a footer")
        file.seek(size - _TAIL_BYTES - length)
        footer = file.read(length)
        for number in (_DICTIONARIES, _BATCHES):
            for offset in _block_offsets(footer, number):
                if not 0 <= offset < size:
                    raise ValueError("a message behind the end of the file")
                file.seek(offset)
                start = file.read(8)
                width = struct.unpack_from("<i", start, 4)[0]
                if start[:4] != _CONTINUATION:  # as written before Arrow 0.15
                    width = struct.unpack_from("<i", start)[0]
                    file.seek(offset + 4)
                if not 0 < width <= _MAX_METADATA_BYTES:
                    raise ValueError("a message of no possible size")
                yield file.read(width)


def _block_offsets(footer: bytes, number: int) -> list[int]:
    field = _field(footer, _root(footer), number)
    if field is None:
        return []
    vector = _target(footer, field)
    count = struct.unpack_from("<I", footer, vector)[0]
    if vector + 4 + count * _BLOCK_BYTES > len(footer):
        raise ValueError("a list behind the end of the footer")
    places = range(vector + 4, vector + 4 + count * _BLOCK_BYTES, _BLOCK_BYTES)
    return [struct.unpack_from("<q", footer, place)[0] for place in places]


def _root(buffer: bytes) -> int:
    return _target(buffer, 0)


def _target(buffer: bytes, place: int) -> int:
    """Follow the offset that stands at a place."""
    return int(place + struct.unpack_from("<I", buffer, place)[0])


def _field(buffer: bytes, table: int, number: int) -> int | None:
    """Return where a field of a table is; None where it is not set."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    if vtable < 0:
        raise ValueError("a table before its buffer")
    size = struct.unpack_from("<H", buffer, vtable)[0]
    at = 4 + 2 * number
    if at + 2 > size:
        return None
    offset = struct.unpack_from("<H", buffer, vtable + at)[0]
    place = table + offset
    if place >= len(buffer):
        raise ValueError("a field behind its buffer")
    return place if offset else None
