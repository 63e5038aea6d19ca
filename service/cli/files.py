"""Read what the command line names: sample files and configurations."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimator.errors import InvalidConfig, InvalidSamples
from service.decoding import Undecodable, load_samples


def read_samples(field: str, path: Path) -> NDArray[np.generic]:
    """Read a sample file (.npy, .npz, .csv, .parquet); npy stays mapped.

    Raises:
        InvalidSamples: The file is missing or unreadable; names the side and the file.
    """
    if not path.is_file():
        raise InvalidSamples(field, f"{path}: expected a file, found none")
    try:
        return load_samples(path)
    except (Undecodable, OSError) as error:
        raise InvalidSamples(field, f"{path}: {error}") from error


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
