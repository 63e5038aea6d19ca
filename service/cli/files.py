"""Read what the command line names: sample files, stdin and configurations."""

import gzip
import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.estimator.samples.pair import check_samples
from kantor.estimator.samples.table import Table
from kantor.service.decoding import Decoded, Reading, Undecodable, as_array, load
from kantor.service.formats import (
    FORMATS,
    MAGIC_BYTES,
    PACKED,
    FileFormat,
    format_of_content,
)

Samples = NDArray[np.generic]

STDIN = Path("-")

_DATASET, _REFERENCE = "ds_", "@"
_GZIP = b"\x1f\x8b"
_ARROW_STREAM = b"\xff\xff\xff\xff"


def read_file(field: str, path: Path, reading: Reading | None = None) -> Decoded:
    """Read a file: an array, which stays mapped if it is npy, or a table.

    Raises:
        InvalidSamples: The file is missing or unreadable; names the side and the file.
    """
    if not path.is_file():
        raise InvalidSamples(field, f"{path}: expected a file, found none")
    try:
        return load(path, reading=reading)
    except (Undecodable, OSError) as error:
        raise InvalidSamples(field, f"{path}: {error}") from error


def read_side(field: str, path: Path, reading: Reading | None = None) -> Decoded:
    """Read one side's samples: a table, or an array (n, d), checked.

    Raises:
        InvalidSamples: As `read_file` and `check_samples`.
    """
    found = read_file(field, path, reading)
    return found if isinstance(found, Table) else check_samples(field, found)


def read_weights(field: str, path: Path | None) -> Samples | None:
    """Read weights (n,) from a file of one column; none gives none.

    Raises:
        InvalidSamples: As `read_file`, or there are more columns.
    """
    if path is None:
        return None
    try:
        weights = as_array(read_file(field, path))
    except Undecodable as error:
        raise InvalidSamples(field, f"{path}: {error}") from error
    if weights.ndim == 2 and weights.shape[1] == 1:
        return weights[:, 0]
    if weights.ndim == 1:
        return weights
    raise InvalidSamples(
        field, f"{path}: expected one column, got an array of shape {weights.shape}"
    )


@contextmanager
def from_stdin(**sides: Path) -> Iterator[dict[str, Path]]:
    """Lend the files of both sides; one may be `-`, whose bytes come from stdin.

    Raises:
        InvalidSamples: More than one is `-`, or nothing came.
    """
    asking = [name for name, path in sides.items() if path == STDIN]
    if not asking:
        yield sides
        return
    if len(asking) > 1:
        raise InvalidSamples(asking[1], "expected a file, as stdin is the other side")
    with tempfile.TemporaryDirectory(prefix="kantor-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        if not path.stat().st_size:
            raise InvalidSamples(asking[0], "expected samples on stdin, received none")
        named = path.with_name(f"stdin{extension_of(path)}")
        path.rename(named)
        yield sides | {asking[0]: named}


@contextmanager
def sides_of(source: str, target: str) -> Iterator[list[Any]]:
    """Lend what a client takes for both sides: files, datasets' ids, references.

    Raises:
        InvalidSamples: As `from_stdin`, or a file is missing.
    """
    given = {"source": source, "target": target}
    files = {k: Path(v) for k, v in given.items() if not _is_stored(v)}
    with from_stdin(**files) as found:
        for name, path in found.items():
            if not path.is_file():
                raise InvalidSamples(name, f"{path}: expected a file, found none")
        yield [found.get(name) or _stored(text) for name, text in given.items()]


def _is_stored(text: str) -> bool:
    return text.startswith((_DATASET, _REFERENCE)) and not Path(text).exists()


def _stored(text: str) -> Any:
    if text.startswith(_REFERENCE):
        return {"reference": text.removeprefix(_REFERENCE)}
    return text


def extension_of(path: Path) -> str:
    """Tell by the first bytes of a file how it should be named."""
    with path.open("rb") as file:
        start = file.read(MAGIC_BYTES)
    if start.startswith(_GZIP):
        with gzip.open(path) as packed:
            return _of_text(packed.read(1)) + PACKED
    found = format_of_content(start)
    if found is not None:
        return FORMATS[found].extensions[0]
    if start.startswith(_ARROW_STREAM):
        return FORMATS[FileFormat.ARROW].extensions[0]
    return _of_text(start.lstrip()[:1])


def _of_text(first: bytes) -> str:
    form = FileFormat.JSONL if first in (b"{", b"[") else FileFormat.CSV
    return FORMATS[form].extensions[0]


def read_config(path: Path | None) -> dict[str, Any]:
    """Read settings from a YAML, TOML or JSON file; none gives none.

    Raises:
        InvalidConfig: The file is missing, or not a table of settings.
    """
    if path is None:
        return {}
    import yaml

    try:
        text = path.read_text("utf-8")
        if path.suffix in (".yaml", ".yml"):
            values = yaml.safe_load(text)
        else:
            is_toml = path.suffix == ".toml"
            values = tomllib.loads(text) if is_toml else json.loads(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidConfig("config", f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise InvalidConfig(
            "config", f"{path}: expected an object of settings, received {values!r}"
        )
    return values
