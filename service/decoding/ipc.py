"""The Arrow IPC formats, file and stream, by pyarrow; uncompressed ones only.

A compressed message can grow 27,000-fold, and says so only by growing: every message is
looked at (`flatbuffers`) before any is unpacked. Batches are checked in full, since
offsets in them could point anywhere.
"""

import struct
from pathlib import Path
from typing import Any

from kantor.estimator.samples.frames import index_names
from kantor.service.decoding.complaints import unreadable
from kantor.service.decoding.flatbuffers import footer_messages, is_compressed
from kantor.service.decoding.limits import Limits, Undecodable
from kantor.service.decoding.reading import Reading
from kantor.service.decoding.sink import ITEM_BYTES, Sink

MAGIC = b"ARROW1"


def ipc_to_npy(
    path: Path, output: Path, limits: Limits, reading: Reading | None = None
) -> None:
    """Read an Arrow IPC file or stream, and write its values and its names.

    Raises:
        Undecodable: Broken, compressed, or larger than allowed.
    """
    import pyarrow as pa

    try:
        with path.open("rb") as file:
            is_file = file.read(len(MAGIC)) == MAGIC
        _check_uncompressed(path, is_file=is_file)
        with pa.OSFile(str(path)) as source:
            opened = pa.ipc.open_file if is_file else pa.ipc.open_stream
            with opened(source) as stream:
                _convert(stream, output, limits, reading or Reading())
    except Undecodable:
        raise
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise unreadable("an Arrow file", error) from error


def _convert(stream: Any, output: Path, limits: Limits, reading: Reading) -> None:
    schema = stream.schema
    with Sink(
        output,
        schema.names,
        schema.types,
        limits,
        index=index_names(schema.metadata),
        drop=reading.drop,
    ) as sink:
        for batch in _batches(stream):
            limits.check_shape((sink.rows + batch.num_rows, len(schema)), ITEM_BYTES)
            batch.validate(full=True)
            columns = [batch.column(place) for place in sink.read]
            sink.append(columns, batch.num_rows)
        sink.finish()


def _batches(stream: Any) -> Any:
    """Return the batches of a file, which are counted, or of a stream."""
    count = getattr(stream, "num_record_batches", None)
    return stream if count is None else map(stream.get_batch, range(count))


def _check_uncompressed(path: Path, *, is_file: bool) -> None:
    import pyarrow as pa

    messages = footer_messages(path) if is_file else _stream_messages(pa, path)
    if any(map(is_compressed, messages)):
        raise Undecodable(
            "expected an uncompressed Arrow file, received a compressed one: write it "
            "with compression='uncompressed', or as parquet"
        )


def _stream_messages(pa: Any, path: Path) -> Any:
    with pa.OSFile(str(path)) as source:
        reader = pa.ipc.MessageReader.open_stream(source)
        while True:
            try:
                message = reader.read_next_message()
            except StopIteration:
                return
            yield message.metadata.to_pybytes()
