"""Packs: estimations that run side by side and take their training steps as one.

Each runs in a thread of its own, as it would alone, and is asked, stopped and answered
by itself. Shared are the steps alone: a member hands in the next window of them and
waits. Once every member that still trains has done so, the thread that leads takes the
windows of those that are furthest behind as one batch, so that the others are caught up
with. Who takes steps with whom depends on the members alone, and not on how fast each
of them is; unless one lets the others wait for longer than `PATIENCE_S`, who then go on
without it until it comes.

    found = side_by_side([partial(estimate_w1, x, y, seed=seed) for seed in range(8)])
    print([estimate.result().lower_bound for estimate in found])
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from contextvars import ContextVar, copy_context
from typing import Any, Protocol, TypeVar

from kantor.estimator.errors import EstimationStopped

ASK_EVERY_S = 0.1
"""How often a member that waits for its turn is asked whether it shall stop."""

PATIENCE_S = 10.0
"""How long members wait for one that does something else, or hangs."""

T = TypeVar("T")
W = TypeVar("W", bound="Window")


class Window(Protocol):
    """Steps that a training wants taken."""

    @property
    def position(self) -> int:
        """How far the training has come; the least is furthest behind."""

    @property
    def should_stop(self) -> Callable[[], bool]:
        """Whether the estimation shall end."""

    @property
    def outcome(self) -> "Future[Any]":
        """What comes of the steps."""


def side_by_side(tasks: Sequence[Callable[[], T]]) -> "list[Future[T]]":
    """Carry out estimations of which each may take its steps with the others'.

    An answer is what it is alone, up to floating-point noise; what fails, fails alone.
    One by itself is carried out in this thread.

    Returns:
        The tasks' results or errors, in their order, all of them done.

    Raises:
        RuntimeError: This process trains together with others, by `torchrun`.
    """
    if len(tasks) == 1:
        return [_alone(tasks[0])]
    _prepare_torch()
    pack = Pack(len(tasks))
    with (
        ThreadPoolExecutor(max(1, len(tasks)), thread_name_prefix="pack") as threads,
        contextlib.closing(pack),
    ):
        found = [
            threads.submit(copy_context().run, member.run, task)
            for member, task in zip(pack.members, tasks, strict=True)
        ]
        pack.lead()
    return found


def _alone(task: Callable[[], T]) -> "Future[T]":
    found: Future[T] = Future()
    try:
        found.set_result(task())
    except Exception as error:  # noqa: BLE001  as one of several would be told
        found.set_exception(error)
    return found


def take(window: W, taking: Callable[[Sequence[W]], None]) -> None:
    """Have the steps of a window taken, with those of others where there is a pack.

    Args:
        window: Afterwards it has an outcome.
        taking: Takes the steps of several windows, and gives each its outcome; the same
            for all of a pack.

    Raises:
        EstimationStopped: The estimation shall end, and has waited for its turn.
    """
    member = _present.get()
    if member is None or not member.trains:
        taking([window])
    else:
        member.hand_in(window, taking)


def leave() -> None:
    """Say that this estimation has taken its last step; the others wait no more."""
    member = _present.get()
    if member is not None:
        member.leave()


class Member:
    """One estimation of a pack.

    Attributes:
        trains: Whether it may want steps taken; once false, it takes them alone.
        is_late: Whether the others go on without it until it comes.
        window: The steps that it wants taken; None while it does something else.
    """

    def __init__(self, pack: "Pack") -> None:
        self._pack = pack
        self.trains = True
        self.is_late = False
        self.window: Window | None = None

    def run(self, task: Callable[[], T]) -> T:
        """Carry out the estimation in this thread."""
        token = _present.set(self)
        try:
            return task()
        finally:
            _present.reset(token)
            self.leave()

    def leave(self) -> None:
        """Go on without the others."""
        with self._pack.changed:
            self.trains, self.window = False, None
            self._pack.changed.notify_all()

    def hand_in(self, window: W, taking: Callable[[Sequence[W]], None]) -> None:
        """Return when the steps have been taken, or raise what `take` does."""
        with self._pack.changed:
            if self._pack.is_closed:
                raise EstimationStopped(None)
            self.window, self.is_late = window, False
            self._pack.taking = taking
            self._pack.changed.notify_all()
        while not wait([window.outcome], ASK_EVERY_S).done:
            waits = not window.outcome.running()
            if waits and window.should_stop() and window.outcome.cancel():
                self.leave()
                raise EstimationStopped(None)


_present: ContextVar[Member | None] = ContextVar("member of a pack", default=None)


class Pack:
    """Estimations that wait for one another.

    Attributes:
        members: All of them.
        taking: What takes their steps, once one has handed in any.
        changed: Tells of a member that waits or leaves.
        is_closed: Whether nobody leads any more.
    """

    def __init__(self, count: int) -> None:
        self.changed = threading.Condition()
        self.is_closed = False
        self.members = [Member(self) for _ in range(count)]
        self.taking: Callable[[Sequence[Any]], None] | None = None
        self._taken: list[Window] = []

    def lead(self) -> None:
        """Take the members' steps in this thread, until none of them trains."""
        while self._trains():
            self._take_round()

    def close(self) -> None:
        """Stop whoever still waits: the leader was interrupted."""
        with self.changed:
            self.is_closed = True
            for window in (*self._taken, *self._waiting()):
                with contextlib.suppress(InvalidStateError):  # it has an outcome
                    window.outcome.set_exception(EstimationStopped(None))

    def _take_round(self) -> None:
        """Wait for everybody; take the steps of those that are furthest behind."""
        with self.changed:
            self._gather()
            least = min((window.position for window in self._waiting()), default=0)
            self._taken = []
            for member in self.members:
                window = member.window
                if window is None or window.position > least:
                    continue
                member.window = None
                if window.outcome.set_running_or_notify_cancel():
                    self._taken.append(window)
        if self._taken:
            assert self.taking is not None
            self.taking(self._taken)

    def _gather(self) -> None:
        """Wait until all that train want steps taken, but not for ever for the last."""
        self.changed.wait_for(lambda: self._waiting() or not self._trains())
        if not self.changed.wait_for(self._is_complete, PATIENCE_S):
            for member in self.members:
                member.is_late = member.window is None

    def _is_complete(self) -> bool:
        return all(
            member.window is not None
            for member in self.members
            if member.trains and not member.is_late
        )

    def _trains(self) -> bool:
        return any(member.trains for member in self.members)

    def _waiting(self) -> list[Window]:
        return [m.window for m in self.members if m.window is not None]


def _prepare_torch() -> None:
    """Do before the threads what they must not do at once; without loading torch."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        raise RuntimeError(
            "expected a process by itself, received one that trains together with "
            "others: their exchanges have one order, which threads do not keep"
        )
    if torch.cuda.is_available():  # its linear algebra: pytorch issue 90613
        with contextlib.suppress(RuntimeError):  # each estimation sees for itself
            torch.linalg.inv(torch.ones(1, 1, device="cuda"))
