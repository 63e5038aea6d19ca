"""The random streams of an estimation: one number each, all from the user's seed."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream of random numbers is for; no two purposes share one."""

    SPLIT = 0
    SOURCE_BATCHES = 1
    TARGET_BATCHES = 2
    SOURCE_VALIDATION = 3
    TARGET_VALIDATION = 4
    COUPLING = 5
    DIFFERENCES = 6
    PERMUTATIONS = 7
    DETECTABLE = 8
    PLANTED = 9
    PLANNING = 10

    def generator(self, seed: int) -> np.random.Generator:
        """Return the generator of this stream for a seed."""
        return np.random.default_rng([seed, int(self)])

    def seed(self, seed: int) -> int:
        """Return a seed below 2^62 for generators of another kind."""
        return int(self.generator(seed).integers(2**62))
