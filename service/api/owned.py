"""An owner's datasets and its names for them: what it brings it may use, nothing else.

Content is stored once, whoever brings it; who has shown to hold it may refer to it. The
right is given in one place here, whichever way the samples came.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeVar

from kantor.estimator.config import EstimateConfig
from kantor.service.api.access import Access
from kantor.service.api.errors import (
    DatasetInUse,
    DatasetNotFound,
    ReferenceNotFound,
    UploadNotFound,
)
from kantor.service.api.holdings import Holdings
from kantor.service.api.intake import Intake, Size, save_file
from kantor.service.api.uploads import UploadStore
from kantor.service.decoding import Reading
from kantor.service.formats import FileFormat
from kantor.service.queue import SampleRef
from kantor.service.store import (
    DatasetInfo,
    DatasetStore,
    Reference,
    ReferenceStore,
    Stored,
    UnknownDataset,
    UnknownReference,
)

T = TypeVar("T")


class OwnedDatasets:
    """The datasets of one owner."""

    def __init__(
        self,
        owner: str,
        access: Access,
        intake: Intake,
        holdings: Holdings,
        store: DatasetStore,
        references: ReferenceStore,
    ) -> None:
        self.owner = owner
        self._access = access
        self._intake = intake
        self._holdings = holdings
        self._store = store
        self._references = references

    def find(self, dataset_id: str, pointer: str | None = None) -> DatasetInfo:
        """Return a dataset, and mark it as used.

        Args:
            dataset_id: Its id.
            pointer: Where in a body it was named.

        Raises:
            DatasetNotFound: It is not stored, or belongs to others.
        """
        try:
            if self._access.may_use(self.owner, dataset_id):
                return self._as_owned(self._intake.describe(dataset_id))
        except (UnknownDataset, FileNotFoundError):
            pass
        raise DatasetNotFound(dataset_id, pointer)

    def content(self, dataset_id: str, pointer: str | None = None) -> Stored:
        """Return what a dataset holds: a table, or an array.

        Raises:
            DatasetNotFound: It is not stored, or belongs to others.
        """
        return self._store.open(self.find(dataset_id, pointer).id)

    def forget(self, dataset_id: str) -> None:
        """Take a dataset from the owner; its content goes with its last owner.

        Raises:
            DatasetNotFound: It is not stored, or belongs to others.
            DatasetInUse: A reference of the owner's has stood for it.
        """
        self.find(dataset_id)
        name = self._references.naming(self.owner, dataset_id)
        if name is not None:
            raise DatasetInUse(dataset_id, name)
        if self._access.revoke(self.owner, dataset_id):
            self._store.delete(dataset_id)

    async def name(self, name: str, dataset_id: str) -> Reference:
        """Let a name stand for a dataset from now on.

        Raises:
            DatasetNotFound: It is not stored, or belongs to others.
        """
        found = self.find(dataset_id, "#/dataset")
        put = self._references.put
        return await self._in_thread(put, self.owner, name, found.id)

    def named(self, name: str, pointer: str | None = None) -> Reference:
        """Return what a name stands for, and has stood for.

        Args:
            name: Of the reference.
            pointer: Where in a body it was given.

        Raises:
            ReferenceNotFound: It stands for nothing.
        """
        try:
            return self._references.find(self.owner, name)
        except UnknownReference:
            raise ReferenceNotFound(name, pointer) from None

    def all_named(self) -> list[Reference]:
        """Return all references of the owner, by name."""
        return self._references.all(self.owner)

    async def forget_name(self, name: str) -> None:
        """Forget a name and its history; the datasets stay.

        Raises:
            ReferenceNotFound: It stands for nothing.
        """
        forget = self._references.forget
        if not await self._in_thread(forget, self.owner, name):
            raise ReferenceNotFound(name)

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Lend a folder for received files; raises as `Intake.receiving`."""
        with self._intake.receiving(self.owner) as folder:
            yield folder

    async def admit(self, nbytes: int) -> None:
        """Check that so much more may be stored; raises as `Holdings.admit`."""
        await self._in_thread(self._holdings.admit, self.owner, nbytes)

    def take_room(self, nbytes: int) -> None:
        """Take room for what is about to be stored, in a thread that may wait."""
        self._holdings.take(self.owner, nbytes)

    def leave_room(self, nbytes: int) -> None:
        """Give back room that was taken for what was there already."""
        self._holdings.give_back(self.owner, nbytes)

    async def keep_rows(self, field: str, rows: list[Any]) -> DatasetInfo:
        """Keep samples that were written in JSON; raises as `Intake.keep_rows`."""
        keep, size = self._intake.keep_rows, Size.of_rows(rows)
        return await self._keep(keep, field, rows, self.take_room, size=size)

    async def keep_file(
        self, field: str, path: Path, file_format: FileFormat, reading: Reading
    ) -> DatasetInfo:
        """Keep the samples in a received file; raises as `Intake.keep_file`."""
        keep, size = self._intake.keep_file, Size.of_file(path)
        arguments = (field, path, file_format, reading, self.take_room)
        return await self._keep(keep, *arguments, size=size)

    async def keep_part(
        self, field: str, part: IO[bytes], file_format: FileFormat, reading: Reading
    ) -> DatasetInfo:
        """Keep the file in a part of a form; raises as `Intake.keep_file`."""
        with self._intake.folder() as folder:
            path = Path(folder) / f"{field}.{file_format}"
            await self._in_thread(save_file, part, path)
            return await self.keep_file(field, path, file_format, reading)

    async def keep_weights(
        self, field: str, values: list[Any], count: int
    ) -> DatasetInfo:
        """Keep weights that were written in JSON; raises as `Intake.keep_weights`."""
        keep = self._intake.keep_weights
        return await self._keep(keep, field, values, count, self.take_room)

    async def check_weights(self, field: str, weights: DatasetInfo, count: int) -> None:
        """Check that a dataset can weigh `count` samples.

        Raises:
            InvalidSamples: It is not one column of as many numbers >= 0.
        """
        await self._in_thread(self._intake.check_weights, field, weights, count)

    async def check_comparable(
        self, source: SampleRef, target: SampleRef, config: EstimateConfig
    ) -> None:
        """Check early that two stored sides can be compared.

        Raises:
            InvalidInput: As `Intake.check_comparable`.
        """
        if self._intake.is_comparable(source, target, config):
            return
        check = self._intake.check_comparable
        await self._in_thread(check, source, target, config)

    async def complete(self, uploads: UploadStore, upload_id: str) -> DatasetInfo:
        """Join the batches of an upload, or return what it has become.

        Raises:
            InvalidRequest: A batch is missing, or there are too few rows.
            UploadNotFound: There is no such upload.
        """
        earlier = uploads.outcome(self.owner, upload_id)
        if earlier is not None:
            return self.find(earlier)
        upload = uploads.find(self.owner, upload_id)
        try:
            return await self._keep(uploads.complete, upload, size=Size.LARGE)
        except UploadNotFound:  # somebody else has completed it at the same time
            earlier = uploads.outcome(self.owner, upload_id)
            if earlier is None:
                raise
            return self.find(earlier)

    async def _keep(
        self,
        store: Callable[..., DatasetInfo],
        *arguments: Any,
        size: Size = Size.QUICK,
    ) -> DatasetInfo:
        """Store in a thread, then let the owner use what was stored."""
        info = await self._in_thread(store, *arguments, size=size)
        if not self._access.grant(self.owner, info.id, info.nbytes):
            self.leave_room(info.nbytes)
        return self._as_owned(info)

    async def _in_thread(
        self, call: Callable[..., T], *arguments: Any, size: Size = Size.QUICK
    ) -> T:
        in_thread = self._intake.in_thread
        return await in_thread(self.owner, call, *arguments, size=size)

    def _as_owned(self, info: DatasetInfo) -> DatasetInfo:
        """Return a dataset as if nobody else had it."""
        since = self._access.granted_at(self.owner, info.id)
        return info if since is None else replace(info, created_at=since)
