"""Read what the command line names: sample files and configurations."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.estimator.samples.pair import check_samples
from kantor.estimator.samples.table import Table
from kantor.service.decoding import Decoded, Reading, Undecodable, as_array, load

Samples = NDArray[np.generic]


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


def read_config(path: Path | None) -> dict[str, Any]:
    """Read settings from a JSON or TOML file; none gives none.

    Raises:
        InvalidConfig: The file is missing, or not a table of settings.
    """
    if path is None:
        return {}
    try:
        text = path.read_text()
        is_toml = path.suffix == ".toml"
        values = tomllib.loads(text) if is_toml else json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidConfig("config", f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise InvalidConfig(
            "config", f"{path}: expected an object of settings, received {values!r}"
        )
    return values
