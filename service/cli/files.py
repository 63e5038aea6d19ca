"""Read what the command line names: sample files and configurations."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.estimator.samples.pair import check_samples
from kantor.service.decoding import Undecodable, as_array, load

Samples = NDArray[np.generic]


def read_samples(field: str, path: Path) -> Samples:
    """Read a sample file of any known format; npy stays mapped.

    Raises:
        InvalidSamples: The file is missing or unreadable; names the side and the file.
    """
    if not path.is_file():
        raise InvalidSamples(field, f"{path}: expected a file, found none")
    try:
        return as_array(load(path))
    except (Undecodable, OSError) as error:
        raise InvalidSamples(field, f"{path}: {error}") from error


def read_side(field: str, path: Path) -> Samples:
    """Read one side's samples (n, d), checked.

    Raises:
        InvalidSamples: As `read_samples` and `check_samples`.
    """
    return check_samples(field, read_samples(field, path))


def read_weights(field: str, path: Path | None) -> Samples | None:
    """Read weights (n,) from a file of one column; none gives none.

    Raises:
        InvalidSamples: As `read_samples`, or there are more columns.
    """
    if path is None:
        return None
    weights = read_samples(field, path)
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
