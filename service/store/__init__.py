"""Content-addressed files: datasets, results, critics, checkpoints.

Equal content has one name and is kept once. A file appears whole or not at all
(temporary file, fsync, rename), so that readers in other processes need no lock. Where
there is a bucket, it has all of them, and the folder of each host is a cache.
"""

from kantor.service.store.blobs import BlobStore, DamagedBlob, UnknownBlob
from kantor.service.store.bucket import Bucket, BucketUnavailable, open_bucket
from kantor.service.store.datasets import (
    DamagedDataset,
    DatasetInfo,
    DatasetStore,
    Stored,
    UnknownDataset,
    map_array,
)
from kantor.service.store.references import (
    Reference,
    ReferenceStore,
    UnknownReference,
    Version,
)
from kantor.service.store.writer import DatasetWriter

__all__ = [
    "BlobStore",
    "Bucket",
    "BucketUnavailable",
    "DamagedBlob",
    "DamagedDataset",
    "DatasetInfo",
    "DatasetStore",
    "DatasetWriter",
    "Reference",
    "ReferenceStore",
    "Stored",
    "UnknownBlob",
    "UnknownDataset",
    "UnknownReference",
    "Version",
    "map_array",
    "open_bucket",
]
