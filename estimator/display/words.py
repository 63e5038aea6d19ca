"""What a result says, in words: one sentence, and each number with its meaning."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Document = dict[str, Any]


class Line(NamedTuple):
    """One number of a result."""

    name: str
    value: str
    meaning: str


def verdict(result: Document) -> str:
    """Say in a sentence what a result means."""
    percent = f"{100 * result['confidence']:g} %"
    if result["lower_bound"] > 0.0:
        return (
            f"The distributions differ: W1 is at least {result['lower_bound']:.4g} "
            f"({percent} confidence, p = {result['p_value']:.2g})."
        )
    if result["p_value"] <= 1.0 - result["confidence"]:
        return (
            f"The distributions differ (p = {result['p_value']:.2g}), but these "
            f"samples do not show by how much: no distance has {percent} confidence."
        )
    return (
        f"No difference shown: at {percent} confidence these samples are compatible "
        f"with W1 = 0 (p = {result['p_value']:.2g})."
    )


def estimate_of(result: Document) -> str:
    """Write the held-out estimate with its standard error.

    >>> estimate_of({"estimate": 1.2345678, "standard_error": 0.0123})
    '1.2346 ± 0.012'
    """
    return f"{result['estimate']:.5g} ± {result['standard_error']:.2g}"


def bracket_of(result: Document) -> str:
    """Write between what W1 of the given samples lies."""
    lower, upper = result["sample_lower_bound"], result["sample_upper_bound"]
    reason = result["sample_upper_bound_reason"]
    if lower is None:
        return f"not computed ({reason})"
    if upper is None:
        return f"at least {lower:.5g} (no upper bound: {reason})"
    return f"between {lower:.5g} and {upper:.5g} ({reason})"


def power_of(result: Document) -> str:
    """Say which distance would have shown."""
    distance = result["detectable_distance"]
    return f"a distance of {distance:.3g} would show in 4 of 5 cases"


def self_check_of(result: Document) -> str | None:
    """Say how much of a planted difference was found; None where none was planted."""
    checked = result.get("self_check")
    if not checked:
        return None
    return f"{checked['found']:.3g} of {checked['distance']:.3g} found"


def numbers_of(result: Document) -> Iterator[Line]:
    """Yield the numbers of a result with what each of them says."""
    percent = f"{100 * result['confidence']:g} %"
    yield Line(
        "lower bound",
        f"{result['lower_bound']:.5g}",
        f"The promise: W1 of the distributions is at least this, with {percent} "
        f"confidence ({result['bound_method']}). 0 or less shows nothing.",
    )
    yield Line(
        "estimate",
        estimate_of(result),
        "What the critic finds on samples that it has not seen, and its standard "
        "error. On average it is not above W1; it may be well below.",
    )
    yield Line(
        "p-value",
        f"{result['p_value']:.2g}",
        "How often samples of equal distributions would look this different. Small "
        "means that they differ; large means nothing.",
    )
    yield Line(
        "detectable distance",
        f"{result['detectable_distance']:.3g}",
        "About the smallest distance that would give a lower bound above 0 in 4 of 5 "
        "cases. More samples make it smaller.",
    )
    yield Line(
        "between these samples",
        bracket_of(result),
        "W1 of the very rows that were given. In many dimensions most of it is an "
        "accident of sampling, so it says little about the distributions.",
    )
    checked = self_check_of(result)
    if checked is not None:
        yield Line(
            "self-check",
            checked,
            "A difference of this distance was planted in these very data, and so much "
            "of it was found. Of other differences it proves nothing.",
        )
    yield Line(
        "certificate",
        f"{result['certificate']['lipschitz_bound']:.7f}",
        f"Upper bound on the Lipschitz constant of the critic "
        f"({result['critic_family']}), measured in float64. Every other number is "
        "divided by it, so that nothing about the training has to be trusted.",
    )
    yield Line(
        "samples",
        f"{result['n_source']:,} and {result['n_target']:,}",
        f"Rows of source and target, in dimension {result['dim']}.",
    )
    yield Line(
        "training",
        f"{result['steps']:,} steps, {result['elapsed_s']:.1f} s",
        f"On {result['device']}; it ended as {result['stop_reason']}.",
    )
