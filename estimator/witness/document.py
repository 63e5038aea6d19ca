"""The critic as a small safetensors document, and its values by numpy alone.

The document holds the critic that made the estimate, whole: its parameters, the scaling
of its inputs, its clamp range and its certified Lipschitz bound.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from kantor.estimator.critics import Potential, family_named
from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.encoding import Part
from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.rereading import features_again
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.samples.tensors import to_numpy

Array = NDArray[np.float64]

_ROWS, _ENTRIES = 4096, 2**22


class UnreadableCritic(ValueError):
    """Report a document that another version has written and this one cannot read."""


@dataclass(frozen=True)
class CriticFile:
    """One evaluated critic: potential(x) = unit * clamp(f(scaled x) / L, low, high).

    The potential is 1-Lipschitz in the user's metric, up to rounding, and its mean
    difference between test samples is the estimate.
    """

    family: str
    function: Potential
    scaler: Scaler
    low: float
    high: float
    lipschitz_bound: float
    parts: tuple[Part, ...] | None = None
    """What its features belong to, where they came from the columns of a table."""

    def to_bytes(self) -> bytes:
        """Serialize as safetensors."""
        tensors = self.function.to_tensors() | {
            "family": np.frombuffer(self.family.encode(), dtype=np.uint8),
            "scaler.center": self.scaler.center,
            "scaler.deviation": self.scaler.deviation,
            "scaler.unit": np.array([self.scaler.unit]),
            "clamp": np.array([self.low, self.high]),
            "lipschitz_bound": np.array([self.lipschitz_bound]),
        }
        if self.parts is not None:
            columns = json.dumps([part.to_document() for part in self.parts]).encode()
            tensors |= {"columns": np.frombuffer(columns, dtype=np.uint8)}
        return save({name: np.ascontiguousarray(t) for name, t in tensors.items()})

    @classmethod
    def from_bytes(cls, document: bytes) -> "CriticFile":
        """Read what `to_bytes` wrote.

        Raises:
            UnreadableCritic: It lacks what such a document has.
        """
        try:
            return cls._read(load(document))
        except (KeyError, IndexError, TypeError, ValueError, SafetensorError) as error:
            raise UnreadableCritic(
                f"expected the document of a critic, received {error!r}"
            ) from error

    @classmethod
    def _read(cls, tensors: dict[str, Array]) -> "CriticFile":
        low, high = tensors["clamp"]
        if "family" in tensors:
            family = tensors["family"].tobytes().decode()
        else:  # documents of 0.1 before families were named
            family = "cones" if "centers" in tensors else "network"
        parts = None
        if "columns" in tensors:
            documents = json.loads(tensors["columns"].tobytes())
            parts = tuple(Part.from_document(document) for document in documents)
        return cls(
            family=family,
            function=family_named(family).potential_type.from_tensors(tensors),
            scaler=Scaler(
                tensors["scaler.center"],
                tensors["scaler.deviation"],
                float(tensors["scaler.unit"][0]),
            ),
            low=float(low),
            high=float(high),
            lipschitz_bound=float(tensors["lipschitz_bound"][0]),
            parts=parts,
        )

    def potential(self, x: NDArray[np.generic]) -> Array:
        """Evaluate the critic on samples x (n, d) in the user's units -> (n,)."""
        return self.clamped(self._by_chunks(self.function, x) / self.lipschitz_bound)

    def clamped(self, values: Array) -> Array:
        """Turn values f / L of scaled samples into potentials in the user's units."""
        return np.clip(values, self.low, self.high) * self.scaler.unit

    def gradient(self, x: NDArray[np.generic]) -> Array:
        """Return the gradient (n, d) of the unclamped potential, in the user's units.

        Its norm is at most 1 in the dual of the ground norm, and close to 1 almost
        everywhere for critics that keep gradients.
        """
        slopes = self._by_chunks(self.function.gradient, x) / self.lipschitz_bound
        return np.asarray(slopes / self.scaler.deviation)

    def _by_chunks(
        self, function: Callable[[Array], Array], x: NDArray[np.generic]
    ) -> Array:
        widest = max(len(t) for t in self.function.to_tensors().values())
        rows = min(_ROWS, max(1, _ENTRIES // widest))
        starts = range(0, len(x), rows)
        return np.concatenate(
            [function(self.scaler.for_critic(x[i : i + rows])) for i in starts]
        )


def score(critic: bytes, samples: object) -> Array:
    """Return the critic's potential of each sample -> (n,).

    High values lie where the source outweighs the target. Needs numpy and safetensors
    alone.

    Args:
        critic: The document.
        samples: An array (n, d), or a table for a critic of tables: its columns are
            found by name.

    Raises:
        InvalidSamples: The samples have another dimension than the critic, lack a
            column, or hold levels that the critic has never met.
        UnreadableCritic: The document is none of this version.

    A row of a table that lacks a value which no compared row lacked gets NaN.
    """
    file = CriticFile.from_bytes(critic)
    features = features_for(file, samples)
    if file.parts is None:
        return file.potential(features)
    gaps = np.isnan(features).any(axis=1)
    return np.where(
        gaps, np.nan, file.potential(np.where(gaps[:, None], 0.0, features))
    )


def features_for(file: CriticFile, samples: object) -> NDArray[np.generic]:
    """Return samples as the features (n, d) that a critic takes.

    Raises:
        InvalidSamples: As `score`.
    """
    table = table_of("samples", samples)
    if table is not None and file.parts is not None:
        return features_again(table, file.parts)
    dim = len(file.scaler.center)
    if table is not None:
        raise InvalidSamples(
            "samples", f"expected an array (n, {dim}), as the critic has no names"
        )
    if file.parts is not None and any(p.role != "number" for p in file.parts):
        names = dict.fromkeys(repr(part.column.name) for part in file.parts)
        raise InvalidSamples(
            "samples",
            f"expected a table with the columns {', '.join(names)}, received an array",
        )
    array = to_numpy(samples)
    if array.ndim != 2 or array.shape[1] != dim:
        raise InvalidSamples("samples", f"expected shape (n, {dim}), got {array.shape}")
    return array
