"""Share of truth against processor seconds: `python -m benchmarks.frontier`.

Each effort, each family of critics alone, and the peers of `benchmarks.rivals`, on
problems of known W1 that are not made of point cones; all on the same samples, each in
a process of its own.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.comparisons import (
    Comparison,
    compared,
    matching,
    missed,
    print_summary,
    tell_missing,
)
from benchmarks.pictures import new_axes, save
from benchmarks.problems import select
from benchmarks.rivals import ALONE, OURS, PEERS, Rival
from benchmarks.tables import machine

PROBLEMS = "flats-16d|planes-8d|sparse-32d|network-16d"
"""Moved towards flats, planes and sparse vectors, and along a network."""

THOROUGH = "ours, thorough"
CAP, LEAST_S = 2.5, 0.01
"""Edges of the picture."""


def chosen(methods: str, *, thorough: bool) -> dict[str, Rival]:
    """Return what competes, by name."""
    found = OURS | ALONE | PEERS
    if not thorough:
        del found[THOROUGH]
    return matching(found, methods)


@dataclass(frozen=True)
class Place:
    """Where a method stands: means over the problems."""

    method: str
    processor_s: float
    share: float


def places(comparisons: Sequence[Comparison]) -> list[Place]:
    """Return each method's place, in the order of the methods."""
    found = []
    for method in dict.fromkeys(each.method for each in comparisons):
        mine = [each for each in comparisons if each.method == method]
        seconds = fmean(each.processor_s for each in mine)
        share = fmean(each.share for each in mine if each.share is not None)
        found.append(Place(method, seconds, share))
    return found


def draw(found: Sequence[Place], title: str) -> None:
    """Draw shares over processor seconds; a line joins the efforts."""
    axes = new_axes(width=9.0, height=5.5)
    efforts = [place for place in found if place.method in OURS]
    axes.plot(
        [place.processor_s for place in efforts],
        [place.share for place in efforts],
        color="black",
        lw=0.8,
    )
    for place in found:
        marker = "o" if place.method in OURS else "s" if place.method in ALONE else "x"
        beyond = f" ({place.share:.1f})" if place.share > CAP else ""
        axes.plot(max(place.processor_s, LEAST_S), min(place.share, CAP), marker,
                  label=place.method + beyond)  # fmt: skip
    axes.axhline(1.0, color="black", lw=0.8, ls=":")
    axes.set_xscale("log")
    axes.set_xlabel("processor seconds, mean over the problems")
    axes.set_ylabel(f"share of the true W1, mean ({CAP:g} and more at the edge)")
    axes.set_title(title)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    save(axes, "frontier")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(description=__doc__)
    result.add_argument("--problems", default=PROBLEMS, help="regular expression")
    result.add_argument("--n", type=int, default=5000, help="samples a side")
    result.add_argument("--seeds", type=int, default=1)
    result.add_argument("--methods", default=".*", help="regular expression of names")
    result.add_argument("--thorough", action="store_true", help="that effort as well")
    return result


def main() -> None:
    """Print shares and seconds, and draw the picture."""
    arguments = parser().parse_args()
    rivals = chosen(arguments.methods, thorough=arguments.thorough)
    print(f"{machine()}; {vars(arguments)}\n", flush=True)
    tell_missing(rivals)
    found: list[Comparison] = []
    for problem in select(arguments.problems):
        seeds = range(arguments.seeds)
        found += compared(problem, rivals, n=arguments.n, seeds=seeds)
    print_summary(found)
    print(f"\n{missed(found)}")
    draw(places(found), f"{arguments.problems}, n = {arguments.n:,} a side")


if __name__ == "__main__":
    main()
