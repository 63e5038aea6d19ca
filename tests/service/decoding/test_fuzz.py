"""Damaged files give an array or a reason, never another exception.

`make fuzz` runs 10,000 examples of each format.
"""

import gzip
import resource
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kantor.service.decoding import Limits, Reading, Undecodable
from kantor.service.decoding.npy import read_npy
from kantor.service.decoding.sandbox import reader_of
from kantor.service.formats import FORMATS, FileFormat

LIMITS = Limits(max_bytes=64 * 2**20)
ADDRESS_SPACE_BYTES = 16 * 2**30

Damage = list[tuple[float, bytes, int]]
DAMAGE = st.lists(
    st.tuples(st.floats(0, 1), st.binary(max_size=8), st.integers(0, 8)), max_size=6
)


@pytest.fixture(scope="module", autouse=True)
def limited_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def damaged(content: bytes, damage: Damage) -> bytes:
    """Replace some bytes at each relative place by others."""
    for place, inserted, removed in damage:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + removed :]
    return content


@pytest.fixture(params=["numbers", "mixed", "packed"])
def content(
    request: pytest.FixtureRequest,
    form: FileFormat,
    files: dict[str, bytes],
    mixed_files: dict[str, bytes],
) -> bytes:
    if request.param == "numbers":
        return files[form]
    if form not in mixed_files or (
        request.param == "packed" and not FORMATS[form].is_text
    ):
        pytest.skip(f"{form} has no {request.param} files")
    if request.param == "packed":
        return gzip.compress(mixed_files[form])
    return mixed_files[form]


def read(path: Path, form: FileFormat) -> None:
    if form is FileFormat.NPY:
        read_npy(path, LIMITS)
    else:
        reader_of(form)(path, path.with_suffix(".out.npy"), LIMITS, Reading())


@pytest.mark.parametrize("form", list(FileFormat))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damage_never_breaks_a_decoder(
    form: FileFormat, content: bytes, damage: Damage
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / f"x.{form}"
        path.write_bytes(damaged(content, damage))
        with suppress(Undecodable):
            read(path, form)
