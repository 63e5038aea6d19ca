"""The parquet format, by pyarrow: its own types are the kinds of the columns.

Its metadata may lie about sizes (a 300-byte file can ask for gigabytes), which is why
this runs only under the memory limit of `sandbox`; the checks here give clear messages.
"""

from pathlib import Path
from typing import Any

from kantor.estimator.samples.frames import index_names
from kantor.service.decoding.complaints import unreadable
from kantor.service.decoding.limits import MEBIBYTE, Limits, Undecodable
from kantor.service.decoding.reading import Reading
from kantor.service.decoding.sink import ITEM_BYTES, Sink

_BATCH_ROWS = 65_536
_BATCH_BYTES = 32 * MEBIBYTE
_THRIFT_BYTES = 16 * MEBIBYTE
_THRIFT_ITEMS = 1_000_000


def parquet_to_npy(
    path: Path, output: Path, limits: Limits, reading: Reading | None = None
) -> None:
    """Read a parquet file, and write its values and its names.

    Raises:
        Undecodable: Broken, or larger than allowed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    reading = reading or Reading()
    try:
        with pq.ParquetFile(
            path,
            memory_map=False,
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=_THRIFT_ITEMS,
        ) as file:
            _convert(file, output, limits, reading)
    except Undecodable:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise unreadable("a parquet file", error) from error


def _convert(file: Any, output: Path, limits: Limits, reading: Reading) -> None:
    """Write batch by batch; the file may lie about its number of rows."""
    schema = file.schema_arrow
    shape = (file.metadata.num_rows, len(schema))
    limits.check_shape(shape, ITEM_BYTES)
    drop = {*reading.drop}
    with Sink(
        output,
        schema.names,
        schema.types,
        limits,
        index=index_names(schema.metadata),
        drop=drop,
    ) as sink:
        names = [schema.names[place] for place in sink.read]
        for batch in file.iter_batches(_rows_of(shape), columns=names or None):
            if sink.rows + batch.num_rows > shape[0]:
                raise Undecodable(f"expected {shape[0]} rows, received more")
            columns = [batch.column(name) for name in names]
            sink.append(columns, batch.num_rows)
        if sink.rows != shape[0]:
            raise Undecodable(f"expected {shape[0]} rows, received {sink.rows}")
        sink.finish()


def _rows_of(shape: tuple[int, int]) -> int:
    """Return how many rows are read at a time; fewer of wide tables."""
    affordable = _BATCH_BYTES // (ITEM_BYTES * max(1, shape[1]))
    return max(1024, min(_BATCH_ROWS, affordable))
