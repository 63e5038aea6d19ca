"""What people use today, on the same samples: `python -m benchmarks.peers`.

Each method of `benchmarks.rivals` runs in a process of its own on problems of several
kinds and on real samples, led by those that no part of ours is at home in; the funnels
at the end are made of cones, as critics of ours are. Values are means over seeds, with
their deviation; a table is printed as soon as it is complete. `--null` compares two
samples of the same law instead: what a method says of no difference.
"""

import argparse
import re
from collections.abc import Sequence

from benchmarks.comparisons import (
    HEADER,
    Case,
    Comparison,
    compared,
    matching,
    missed,
    print_summary,
    tell_missing,
)
from benchmarks.pictures import new_axes, save
from benchmarks.problems import catalog, select
from benchmarks.real_pairs import REAL_PAIRS, without_difference
from benchmarks.rivals import OURS, PEERS
from benchmarks.tables import machine, print_table

CASES = (
    "low-rank-digits",
    "planes-8d",
    "network-16d",
    "sparse-32d",
    "digits-halves",
    "tumors",
    "flats-4d",
    "shift-16d",
    "funnels-64d-16",
)
"""The hardest for us first; in few dimensions exact transport is at home."""

METHODS = PEERS | OURS
CAP = 3.0


def chosen_cases(pattern: str | None) -> list[Case]:
    """Return the cases whose whole name matches, the usual ones without a pattern."""
    names = CASES if pattern is None else (*CASES, *REAL_PAIRS, *catalog())
    matching = (name for name in names if re.fullmatch(pattern or ".*", name))
    wanted = list(dict.fromkeys(matching))
    if not wanted:
        raise SystemExit(f"expected names of problems, got {pattern!r}")
    return [REAL_PAIRS.get(name) or next(select(re.escape(name))) for name in wanted]


def draw(comparisons: Sequence[Comparison]) -> None:
    """Draw shares of the truth, a line a method and a mark a case."""
    known = [found for found in comparisons if found.share is not None]
    if not known:
        return
    methods = list(dict.fromkeys(found.method for found in known))
    axes = new_axes(width=9.0, height=1.5 + 0.3 * len(methods))
    for case in dict.fromkeys(found.case for found in known):
        mine = [found for found in known if found.case == case]
        shares = [min(found.share or 0.0, CAP) for found in mine]
        axes.plot(shares, [methods.index(found.method) for found in mine], "o",
                  alpha=0.7, label=case)  # fmt: skip
    axes.axvline(1.0, color="black", lw=0.8)
    axes.set_yticks(range(len(methods)), methods)
    axes.invert_yaxis()
    axes.set_xlabel(f"share of the true W1 ({CAP:g} and more at the edge)")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    save(axes, "peers")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Methods: {', '.join(METHODS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--problems", help="regular expression of names")
    result.add_argument("--n", type=int, default=2000, help="samples a side at most")
    result.add_argument("--seeds", type=int, default=3)
    result.add_argument("--null", action="store_true", help="the target on both sides")
    result.add_argument(
        "--methods", default="(?!.*thorough).*", help="regular expression of names"
    )
    return result


def main() -> None:
    """Print a table a problem, the summary and what was skipped; draw the picture."""
    arguments = parser().parse_args()
    cases = chosen_cases(arguments.problems)
    if arguments.null:
        cases = [without_difference(case.name, case.sample) for case in cases]
    rivals = matching(METHODS, arguments.methods)
    print(f"{machine()}; {vars(arguments)}\n", flush=True)
    tell_missing(rivals)
    everything: list[Comparison] = []
    for case in cases:
        seeds = range(arguments.seeds)
        found = list(compared(case, rivals, n=arguments.n, seeds=seeds))
        print(f"{case.name}:\n")
        print_table(HEADER, [comparison.row() for comparison in found])
        print(flush=True)
        everything += found
    print_summary(everything)
    print(f"\n{missed(everything)}")
    draw(everything)


if __name__ == "__main__":
    main()
