"""Random streams: one a purpose, independent of one another, fixed by the seed."""

import numpy as np
import pytest

from kantor.estimator.streams import Stream


def test_no_two_purposes_share_a_number() -> None:
    # An enumeration makes an alias of a name whose number is taken.
    assert {name: s.name for name, s in Stream.__members__.items()} == {
        name: name for name in Stream.__members__
    }
    assert len({int(stream) for stream in Stream}) == len(Stream.__members__)


def test_streams_of_one_seed_differ() -> None:
    drawn = {stream.generator(7).integers(2**62) for stream in Stream}
    seeds = {stream.seed(7) for stream in Stream}
    assert len(drawn) == len(seeds) == len(Stream)


@pytest.mark.parametrize("stream", Stream)
def test_a_stream_is_a_function_of_the_seed(stream: Stream) -> None:
    one, again, other = (stream.generator(seed).random(5) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_every_seed_gives_seeds_that_others_take(seed: int) -> None:
    assert all(0 <= stream.seed(seed) < 2**62 for stream in Stream)
