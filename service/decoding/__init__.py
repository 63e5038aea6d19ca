"""Read samples from files that nobody vouches for: npy, npz, csv and parquet.

`decode` is the one door. The npy format is simple enough to be checked and mapped in
this process; the others are read by a subprocess with a memory limit and a time limit
(`sandbox`), which leaves an npy file behind. Whatever the format, the answer is an
array (n,) or (n, d) of real numbers within `Limits`.
"""

from kantor.service.decoding.decoder import decode, load_samples
from kantor.service.decoding.formats import FileFormat, Limits, Undecodable

__all__ = ["FileFormat", "Limits", "Undecodable", "decode", "load_samples"]
