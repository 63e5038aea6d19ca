"""Several methods on the same samples of several pairs, and the tables of it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Protocol

import numpy as np

from benchmarks.measurements import Outcome, missing, outcome
from benchmarks.problems import Pair, Rng
from benchmarks.rivals import Rival
from benchmarks.tables import print_table, tell

HEADER = ["method", "value", "W1", "share", "bound", "processor s", "peak MiB"]


class Case(Protocol):
    """Two distributions to compare, at a distance that is known or not."""

    @property
    def name(self) -> str:
        """Return what it is called."""

    @property
    def w1(self) -> float | None:
        """Return the distance, None where nobody knows it."""

    @property
    def sample(self) -> Callable[[int, Rng], Pair]:
        """Return what draws n samples of each side."""


@dataclass(frozen=True)
class Comparison:
    """What a method said of a case, once for each seed."""

    case: str
    w1: float | None
    method: str
    bound: str
    outcomes: list[Outcome]

    @property
    def value(self) -> float:
        """Mean value over the seeds."""
        return fmean(found.answer.value for found in self.outcomes)

    @property
    def share(self) -> float | None:
        """Mean value as a share of the truth; None where that is 0 or unknown."""
        return self.value / self.w1 if self.w1 else None

    @property
    def processor_s(self) -> float:
        """Mean processor seconds."""
        return fmean(found.processor_s for found in self.outcomes)

    @property
    def lower_bounds(self) -> list[float]:
        """The proven lower bounds, one for each seed, if the method proves any."""
        bounds = (found.answer.lower_bound for found in self.outcomes)
        return [bound for bound in bounds if bound is not None]

    @property
    def misses(self) -> int:
        """How many lower bounds exceed the truth."""
        if self.w1 is None:
            return 0
        return sum(bound > self.w1 for bound in self.lower_bounds)

    def row(self) -> list[str]:
        """Return the cells of the table."""
        values = [found.answer.value for found in self.outcomes]
        spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
        peaks = [found.peak_bytes for found in self.outcomes]
        known = [peak for peak in peaks if peak is not None]
        lower = self.lower_bounds
        return [
            self.method,
            f"{self.value:.3f}{spread}",
            "unknown" if self.w1 is None else f"{self.w1:.3f}",
            "" if self.share is None else f"{self.share:.2f}",
            f"W1 ≥ {fmean(lower):.3f}, 95 %" if lower else self.bound,
            seconds(self.processor_s),
            f"{max(known) / 2**20:,.0f}" if known else "?",
        ]


def compared(
    case: Case, rivals: dict[str, Rival], *, n: int, seeds: Sequence[int]
) -> Iterator[Comparison]:
    """Run all methods on the same samples; those that fail or miss a package are told.

    Args:
        case: What is sampled, anew for each seed.
        rivals: Methods by name.
        n: Samples a side.
        seeds: Of samples and methods.
    """
    pairs = {seed: case.sample(n, np.random.default_rng([seed, n])) for seed in seeds}
    for name, rival in rivals.items():
        if missing(rival):
            continue
        try:
            found = [outcome(name, rival, pairs[seed], seed) for seed in seeds]
        except RuntimeError as error:
            tell(case.name, str(error))
            continue
        comparison = Comparison(case.name, case.w1, name, rival.bound, found)
        tell(case.name, *comparison.row())
        yield comparison


def matching(rivals: dict[str, Rival], pattern: str) -> dict[str, Rival]:
    """Return the methods in whose names a regular expression is found."""
    return {name: rival for name, rival in rivals.items() if re.search(pattern, name)}


def tell_missing(rivals: dict[str, Rival]) -> None:
    """Say which methods were skipped and why."""
    for name, rival in rivals.items():
        if package := missing(rival):
            print(f"skipped: {name}, as {package} is not installed\n")


def print_summary(comparisons: Sequence[Comparison]) -> None:
    """Print shares of the truth, a row a method and a column a case.

    Where the truth is 0 or unknown the column has values. The last columns are the mean
    distance of shares from 1 and the mean of the processor seconds.
    """
    cases = list(dict.fromkeys(found.case for found in comparisons))
    methods = list(dict.fromkeys(found.method for found in comparisons))
    by_place = {(found.method, found.case): found for found in comparisons}
    rows = []
    for method in methods:
        placed = [by_place.get((method, case)) for case in cases]
        present = [found for found in placed if found is not None]
        off = [abs(found.share - 1) for found in present if found.share is not None]
        spent = seconds(fmean(found.processor_s for found in present))
        mean_off = f"{fmean(off):.2f}" if off else ""
        rows.append([method, *map(cell, placed), mean_off, spent])
    print_table(["method", *cases, "off by", "processor s"], rows)


def seconds(value: float) -> str:
    """Return seconds, to hundredths where they are few."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def cell(found: Comparison | None) -> str:
    """Return a share, or a value in brackets where there is no share."""
    if found is None:
        return "-"
    return f"({found.value:.2f})" if found.share is None else f"{found.share:.2f}"


def missed(comparisons: Iterable[Comparison]) -> str:
    """Say how many lower bounds lie above the truth."""
    known = [found for found in comparisons if found.w1 is not None]
    count = sum(len(found.lower_bounds) for found in known)
    return f"{sum(found.misses for found in known)} of {count} lower bounds above W1"
