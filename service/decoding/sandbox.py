"""Decode one untrusted file in a subprocess that can neither grow nor linger.

`run_decoder` is the caller's side; the module run as a program is the other. The limits
are set by the subprocess itself before it looks at the file. It leaves an npy file, a
JSON document of names beside it if there are any, and exits 0; or it prints the reason
and exits 3; every other end is a limit that it met.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from kantor.service.decoding.limits import Limits, Undecodable
from kantor.service.decoding.reading import Reading
from kantor.service.formats import FORMATS, FileFormat

Reader = Callable[[Path, Path, Limits, Reading], None]

_REFUSED = 3
_MAX_REASON_BYTES = 2000
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",  # each thread would reserve address space
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def run_decoder(
    path: Path,
    file_format: FileFormat,
    output: Path,
    limits: Limits,
    reading: Reading,
) -> None:
    """Decode `path` into the npy file `output` within the limits.

    Raises:
        Undecodable: The decoder refused the file, or met its memory or time limit.
    """
    request = json.dumps(
        {
            "path": str(path),
            "format": file_format,
            "output": str(output),
            "limits": asdict(limits),
            "reading": asdict(reading),
        }
    )
    command = [sys.executable, "-P", "-m", "kantor.service.decoding.sandbox", request]
    try:
        ended = subprocess.run(
            command,
            env=_ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[3])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Undecodable(
            f"expected a {file_format} file that is read within {limits.timeout_s:g} s"
        ) from error
    if ended.returncode == _REFUSED:
        reason = ended.stdout[:_MAX_REASON_BYTES]
        raise Undecodable(reason.decode("utf-8", "replace"))
    if ended.returncode != 0:
        raise Undecodable(
            f"expected a {file_format} file that is read within "
            f"{limits.memory_bytes} bytes of memory"
        )


def main(request: str) -> int:
    """Decode under limits; return the exit status."""
    asked = json.loads(request)
    limits = Limits(**asked["limits"])
    given = asked["reading"]
    reading = Reading(**{**given, "drop": tuple(given["drop"])})
    read = reader_of(FileFormat(asked["format"]))
    _restrict(limits)
    try:
        read(Path(asked["path"]), Path(asked["output"]), limits, reading)
    except Undecodable as error:
        sys.stdout.write(str(error))
        return _REFUSED
    return 0


def reader_of(file_format: FileFormat) -> Reader:
    """Load the reader that the table of formats names."""
    name = FORMATS[file_format].reader
    assert name is not None, f"{file_format} is not read in the sandbox"
    module, _, function = name.partition(":")
    found = getattr(import_module(f"kantor.service.decoding.{module}"), function)
    reader: Reader = found
    return reader


def _restrict(limits: Limits) -> None:
    """Take away memory, time, disk and core dumps beyond the limits."""
    seconds = int(limits.timeout_s) + 1
    file_bytes = limits.max_bytes + 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
