"""The parquet format: every column must be numbers without gaps.

Its metadata may lie about sizes (a 300-byte file can ask for gigabytes), which is why
this runs only under the memory limit of `sandbox`; the checks here give clear messages.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.service.decoding.formats import MEBIBYTE, Limits, Undecodable

_ITEM_BYTES = 8
_BATCH_ROWS = 65_536
_THRIFT_BYTES = 16 * MEBIBYTE
_THRIFT_ITEMS = 1_000_000


def parquet_to_npy(path: Path, output: Path, limits: Limits) -> None:
    """Read a parquet file and write its columns side by side as an npy file.

    Raises:
        Undecodable: Broken, larger than allowed, or with a column that is not numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(
            path,
            memory_map=False,
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=_THRIFT_ITEMS,
        ) as file:
            shape = (file.metadata.num_rows, len(file.schema_arrow))
            limits.check_shape(shape, _ITEM_BYTES)
            _check_columns(file.schema_arrow)
            array = _read_rows(file, shape)
    except Undecodable:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise Undecodable(f"expected a parquet file, received: {reason}") from error
    np.save(output, array)


def _check_columns(schema: Any) -> None:
    import pyarrow.types as types

    for field in schema:
        if not types.is_integer(field.type) and not types.is_floating(field.type):
            raise Undecodable(
                f"expected columns of numbers, received {str(field.type)[:40]} "
                f"in column {field.name[:40]!r}"
            )


def _read_rows(file: Any, shape: tuple[int, int]) -> NDArray[np.generic]:
    """Fill an array batch by batch; the file may lie about its number of rows."""
    schema = file.schema_arrow
    dtype = np.result_type(*(field.type.to_pandas_dtype() for field in schema))
    array = np.empty(shape, dtype)
    filled = 0
    for batch in file.iter_batches(_BATCH_ROWS):
        end = filled + batch.num_rows
        if end > shape[0]:
            raise Undecodable(f"expected {shape[0]} rows, received more")
        for index, column in enumerate(batch.columns):
            _check_no_gaps(column, schema.field(index).name)
            array[filled:end, index] = column.to_numpy()
        filled = end
    if filled != shape[0]:
        raise Undecodable(f"expected {shape[0]} rows, received {filled}")
    return array


def _check_no_gaps(column: Any, name: str) -> None:
    if column.null_count:
        raise Undecodable(
            f"expected a number in every row, received null in column {name[:40]!r}"
        )
