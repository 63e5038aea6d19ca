"""A line of progress: what share is done, how fast, how long it may still take.

The number of steps is a limit: training ends earlier where nothing more can be gained,
so what remains is said to be "at most".
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_SECONDS_PER_MINUTE = 60
_SECONDS_PER_HOUR = 3600


class Pace:
    """How fast steps are taken, from the first that was seen.

    >>> times = iter([0.0, 2.0])
    >>> pace = Pace(clock=lambda: next(times))
    >>> pace.words(0, 100), pace.words(20, 100)
    ('starting', '10 steps/s, at most 8 s left')
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._last = 0

    def words(self, step: int, max_steps: int) -> str:
        """Say rate and remaining time at a step."""
        now = self._clock()
        begins_again, self._last = step < self._last, step
        if self._first is None or begins_again:
            self._first = now, step
            return "starting"
        elapsed, taken = now - self._first[0], step - self._first[1]
        if taken <= 0 or elapsed <= 0.0:
            return "starting"
        rate = taken / elapsed
        if step >= max_steps:
            return f"{_of_rate(rate)}, evaluating"
        left = duration((max_steps - step) / rate)
        return f"{_of_rate(rate)}, at most {left} left"


def duration(seconds: float) -> str:
    """Write a duration for a person.

    >>> [duration(s) for s in (0.2, 42, 135, 7300)]
    ['1 s', '42 s', '2 min 15 s', '2 h 1 min']
    """
    whole = max(1, round(seconds))
    if whole < _SECONDS_PER_MINUTE:
        return f"{whole} s"
    minutes, rest = divmod(whole, _SECONDS_PER_MINUTE)
    if whole < _SECONDS_PER_HOUR:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, _SECONDS_PER_MINUTE)
    return f"{hours} h {minutes} min"


class Bar:
    """A line on the screen that says how far a training is."""

    def __init__(self, progress: "Progress", title: str) -> None:
        self._progress = progress
        self._pace = Pace()
        self._line = progress.add_task(
            title, total=None, steps="", pace="", objective=""
        )

    def update(self, step: int, max_steps: int, validation: float | None) -> None:
        """Show a step of at most `max_steps`, and the newest validation value."""
        objective = "" if validation is None else f"validation {validation:.4g}"
        self._progress.update(
            self._line,
            completed=step,
            total=max_steps,
            description="training",
            steps=f"step {step:,}/{max_steps:,}",
            pace=self._pace.words(step, max_steps),
            objective=objective,
        )

    def say(self, words: str) -> None:
        """Show what is going on instead of a step."""
        self._progress.update(self._line, description=words)


@contextmanager
def progress_bar(title: str, console: "Console | None" = None) -> Iterator[Bar]:
    """Show the progress of a training.

    Args:
        title: What is going on until the first step.
        console: Where; None is the terminal's error output, or a notebook.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    fields = ("description", "fields[steps]", "fields[pace]", "fields[objective]")
    texts = [TextColumn(f"{{task.{field}}}") for field in fields]
    columns = (texts[0], BarColumn(bar_width=24), *texts[1:])
    shown = console or Console(stderr=True)
    with Progress(*columns, console=shown, transient=True) as progress:
        yield Bar(progress, title)


def _of_rate(rate: float) -> str:
    return f"{rate:.3g} steps/s"
