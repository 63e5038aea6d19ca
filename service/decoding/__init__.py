"""Read samples from files that nobody vouches for: arrays, and tables with names.

`decode` is the one door. The npy format is simple enough to be checked and mapped in
this process; the others are read by a subprocess with a memory limit and a time limit
(`sandbox`), which leaves an npy file behind, and names beside it. Whatever the format,
the answer is an array (n,) or (n, d) of real numbers, or a `Table`, within `Limits`.
"""

from kantor.service.decoding.decoder import Decoded, as_array, decode, load
from kantor.service.decoding.limits import Limits, Undecodable
from kantor.service.decoding.reading import Reading

__all__ = [
    "Decoded",
    "Limits",
    "Reading",
    "Undecodable",
    "as_array",
    "decode",
    "load",
]
