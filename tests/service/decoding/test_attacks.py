"""Files made to hurt: each is refused at once, with a reason, at no great cost."""

import gzip
import io
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kantor.service.decoding import Limits, Undecodable, as_array, decode
from kantor.service.decoding.npy import MAGIC
from kantor.service.formats import FileFormat

Write = Callable[[str, bytes], Path]


def npy(header: str, data: bytes = b"") -> bytes:
    return MAGIC + b"\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def shaped(shape: str, descr: str = "'<f8'", order: str = "False") -> bytes:
    return npy(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}")


def refused(path: Path, form: FileFormat, limits: Limits | None = None) -> str:
    with (
        pytest.raises(Undecodable) as caught,
        decode(path, form, limits or Limits()),
    ):
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "begins with"),
        (b"\x80\x04]", "begins with"),
        (MAGIC + b"\x09\x00", "version"),
        (npy("{" * 5000), "dictionary"),
        (npy("__import__('os').getpid()"), "dictionary"),
        (npy("[1]"), "exactly"),
        (shaped("(60, 2)"), "expected 960 bytes"),
        (shaped("(10**12,)"), "dictionary"),
        (shaped("(1000000000000,)"), "at most 10000000 samples"),
        (shaped(f"({2**40}, {2**40})"), "at most 65536 features"),
        (shaped("(-1, 2)"), "non-negative"),
        (shaped("(True, 2)"), "non-negative"),
        (shaped("()"), "array (n, d)"),
        (shaped("(2, 2, 2)"), "array (n, d)"),
        (shaped("(50,)", "'|O'"), "Python objects are never loaded"),
        (shaped("(50,)", "[('a', '<f8')]"), "dtype of real numbers"),
        (shaped("(50,)", "'<c16'"), "dtype of real numbers"),
        (shaped("(50,)", order="1"), "fortran_order"),
    ],
)
def test_lying_npy_files_are_refused(content: bytes, reason: str, write: Write) -> None:
    assert reason in refused(write("x.npy", content), FileFormat.NPY)


def test_a_huge_npy_header_is_refused(write: Write) -> None:
    content = MAGIC + b"\x02\x00" + struct.pack("<I", 2**31) + b" " * 100
    assert "npy header" in refused(write("x.npy", content), FileFormat.NPY)


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_bomb_is_refused(write: Write) -> None:
    path = write("x.npz", zipped({"x.npy": bytes(30_000_000)}))
    assert "compression ratio" in refused(path, FileFormat.NPZ)


def test_a_zip_that_understates_its_size_is_refused(write: Write) -> None:
    content = bytearray(zipped({"x.npy": bytes(30_000_000)}))
    place = content.rindex(b"PK\x01\x02") + 24  # uncompressed size, central directory
    content[place : place + 4] = struct.pack("<I", 1000)
    assert "expected" in refused(write("x.npz", bytes(content)), FileFormat.NPZ)


def test_an_npz_holds_one_array(write: Write) -> None:
    path = write("x.npz", zipped({"a.npy": b"", "b.npy": b""}))
    assert "one array" in refused(path, FileFormat.NPZ)


def test_objects_in_an_npz_are_never_loaded(write: Write) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, np.array([{}, []], dtype=object))
    path = write("x.npz", buffer.getvalue())
    assert "never loaded" in refused(path, FileFormat.NPZ)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"1,2\n3\n", "expected 2 cells on every line, received 1 on line 2"),
        (b"1,2\n3,x\n", "received 'x' on line 2, column 2"),
        (b"1,2\n3,1_0\n", "received '1_0' on line 2, column 2"),
        (b"1,2\n3,0x10\n", "received '0x10' on line 2, column 2"),
        (b"1" * 2_000_000, "lines of at most"),
        (b"1,2\n" + b"1" * 3_000_000 + b",2\n" * 2, "lines of at most"),
        (b"\xff\xfe\x00\xd8\x00\xd8", "text in utf-16"),
        (b"a,b\n", "received none"),
        (b"", "received none"),
        (b"a,a\n1,2\n", "rename one of them"),
        (b"\x1f\x8bnot gzip at all", "broken"),
    ],
)
def test_csv_is_never_guessed_at(content: bytes, reason: str, write: Write) -> None:
    path = write("x.csv", content)
    assert reason in refused(path, FileFormat.CSV)


@pytest.mark.parametrize("content", [b"1,2\n3,\n5,6\n", b"1,2\n\n3,4\n"])
def test_a_gap_is_no_number(content: bytes, write: Write) -> None:
    with (
        decode(write("x.csv", content), FileFormat.CSV, Limits()) as samples,
        pytest.raises(Undecodable, match="1 missing ones"),
    ):
        as_array(samples)


def test_a_gzip_bomb_meets_the_limit(write: Write) -> None:
    packed = gzip.compress(b"1,2\n" * 20_000_000, 9)
    assert len(packed) < 1_000_000
    path = write("x.csv.gz", packed)
    assert "samples" in refused(path, FileFormat.CSV)
    limits = Limits(max_bytes=1_000_000)
    path = write("y.csv.gz", gzip.compress(b"name\n" + (b"x" * 999 + b"\n") * 100_000))
    assert "bytes of text" in refused(path, FileFormat.CSV, limits)


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_arrow_is_refused_before_it_grows(
    compression: str, write: Write
) -> None:
    table = pa.table({"x": np.zeros(30_000_000)})
    content = arrow(table, compression)
    assert len(content) < 2_000_000
    reason = refused(write("x.arrow", content), FileFormat.ARROW)
    assert "compression='uncompressed'" in reason


def test_arrow_offsets_are_checked(write: Write) -> None:
    content = bytearray(arrow(pa.table({"x": ["ab", "cd", "ab"]})))
    place = content.index(struct.pack("<4i", 0, 2, 4, 6))
    content[place + 4 : place + 8] = struct.pack("<i", 2**30)
    reason = refused(write("x.arrow", bytes(content)), FileFormat.ARROW)
    assert "expected an Arrow file" in reason


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def test_a_parquet_bomb_meets_the_limit(write: Write) -> None:
    content = parquet(pa.table({"x": np.zeros(30_000_000)}))
    assert len(content) < 1_000_000
    assert "samples" in refused(write("x.parquet", content), FileFormat.PARQUET)


def test_a_parquet_bomb_meets_the_memory_limit(write: Write) -> None:
    content = parquet(pa.table({"x": pa.array(["a" * 20_000] * 60_000)}))
    assert len(content) < 1_000_000
    limits = Limits(memory_bytes=600 * 2**20)
    path = write("x.parquet", content)
    assert "memory" in refused(path, FileFormat.PARQUET, limits).lower()


@pytest.mark.parametrize(
    ("column", "reason"),
    [(["a", "b"], "received text"), ([1.0, None], "1 missing ones")],
)
def test_arrays_of_parquet_are_numbers_without_gaps(
    column: list[object], reason: str, write: Write
) -> None:
    path = write("x.parquet", parquet(pa.table({"x": column})))
    with (
        decode(path, FileFormat.PARQUET, Limits()) as samples,
        pytest.raises(Undecodable, match=reason),
    ):
        as_array(samples)


def test_decoding_that_lingers_is_ended(write: Write) -> None:
    path = write("x.csv", b"1,2\n" * 9_000_000)
    began = time.monotonic()
    assert "within 0.3 s" in refused(path, FileFormat.CSV, Limits(timeout_s=0.3))
    assert time.monotonic() - began < 3
