"""Objects in an S3-compatible bucket, by their names; what fails is an `OSError`.

Writing is atomic and durable on return, and a reader sees all of an object or none, as
S3 promises; large ones go in parts, several at a time.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from kantor.service.settings import Settings

_CLIENT: Any = {
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(minutes=10),
    "user_agent": "kantor",
}
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}


class BucketUnavailable(RuntimeError):
    """Report that a bucket cannot be used as it is set."""


class Bucket:
    """The objects under one prefix of a bucket."""

    def __init__(self, url: str, **options: str) -> None:
        """Connect to nothing yet.

        Args:
            url: As `s3://name/prefix`.
            options: Of obstore's `S3Store`, over what AWS_ variables and roles say.

        Raises:
            BucketUnavailable: obstore is not installed, or the URL is none.
        """
        try:
            import obstore
            from obstore.store import S3Store
        except ImportError as error:
            raise BucketUnavailable(
                "expected obstore for KANTOR_BUCKET_URL; install kantor[s3]"
            ) from error
        client = _CLIENT | {"allow_http": options.get("endpoint", "")[:5] == "http:"}
        wanted: dict[str, Any] = dict(options)
        try:
            self._store = S3Store.from_url(
                url, client_options=client, retry_config=_RETRIES, **wanted
            )
        except (ValueError, obstore.exceptions.BaseError) as error:
            raise BucketUnavailable(f"the bucket cannot be used: {error}") from error
        self._obstore = obstore

    def put(self, name: str, content: bytes | Path) -> None:
        """Write an object; one that is there is replaced."""
        with self._errors():
            self._obstore.put(self._store, name, content)

    def read(self, name: str) -> bytes | None:
        """Return a small object, or None if there is none."""
        try:
            with self._errors():
                return bytes(self._obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None

    def copy_to(self, name: str, file: BinaryIO) -> float | None:
        """Write an object to a file; return when it was made, None if there is none."""
        try:
            with self._errors():
                found = self._obstore.get(self._store, name)
                for chunk in found.stream():
                    file.write(chunk)
                return float(found.meta["last_modified"].timestamp())
        except FileNotFoundError:
            return None

    def made_at(self, name: str) -> float | None:
        """Return when an object was written, or None if there is none."""
        try:
            with self._errors():
                found = self._obstore.head(self._store, name)
        except FileNotFoundError:
            return None
        return float(found["last_modified"].timestamp())

    def has(self, name: str) -> bool:
        """Tell whether there is such an object."""
        return self.made_at(name) is not None

    def delete(self, *names: str) -> None:
        """Remove objects; those that are not there are no error."""
        with self._errors():
            for name in names:
                try:
                    self._obstore.delete(self._store, name)
                except FileNotFoundError:
                    continue

    def all(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Yield every object below a prefix, and when it was written."""
        with self._errors():
            for page in self._obstore.list(self._store, prefix=prefix):
                for found in page:
                    yield found["path"], found["last_modified"].timestamp()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (self._obstore.exceptions.BaseError, PermissionError) as error:
            reason = type(error).__name__
            raise OSError(errno.EIO, f"the bucket does not serve ({reason})") from error


def open_bucket(settings: Settings) -> Bucket | None:
    """Return the bucket of the settings, or None where there is none.

    Raises:
        BucketUnavailable: It cannot be used as it is set.
    """
    if settings.bucket_url is None:
        return None
    wanted = {
        "endpoint": settings.bucket_endpoint,
        "region": settings.bucket_region,
        "access_key_id": _revealed(settings.bucket_access_key),
        "secret_access_key": _revealed(settings.bucket_secret_key),
    }
    return Bucket(
        settings.bucket_url, **{name: value for name, value in wanted.items() if value}
    )


def _revealed(secret: Any) -> str | None:
    return None if secret is None else str(secret.get_secret_value())
