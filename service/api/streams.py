"""How many event streams, or files, each owner has open on this process."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kantor.service.api.errors import ServiceError, StreamsExceeded


class Streams:
    """Counts open streams, and turns away those over an owner's limit.

    Args:
        most: Open streams of one owner.
        refusal: What is raised, made from `most`.
    """

    def __init__(
        self, most: int, refusal: Callable[[int], ServiceError] = StreamsExceeded
    ) -> None:
        self._most = most
        self._refusal = refusal
        self._open: Counter[str] = Counter()

    def check(self, owner: str) -> None:
        """Check that an owner may open one more.

        Raises:
            StreamsExceeded: It has as many as it may; or what else was to be raised.
        """
        if self._open[owner] >= self._most:
            raise self._refusal(self._most)

    @contextmanager
    def opened(self, owner: str) -> Iterator[None]:
        """Count a stream for as long as the block runs."""
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]
