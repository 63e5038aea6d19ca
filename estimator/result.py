"""The answer of an estimation: plain data with one JSON form for every door."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any

from kantor.estimator.display.words import verdict


class StopReason(StrEnum):
    """Why training ended."""

    CONVERGED = "converged"
    STEP_LIMIT = "step_limit"
    SETTLED = "settled"

    @property
    def message(self) -> str:
        """Say what happened and what a user can do next."""
        return _MESSAGES[self]


_MESSAGES = {
    StopReason.CONVERGED: "The validation objective stopped improving.",
    StopReason.SETTLED: (
        "No candidate could still change the answer by more than its own noise."
    ),
    StopReason.STEP_LIMIT: (
        "All steps were taken; more effort or steps may tighten the bound."
    ),
}


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One report of the training, in the units of the data.

    `train` and `validation` are dual objectives (E_P f - E_Q f) of the 1-Lipschitz
    critic on the fit samples of recent batches and on the validation samples.
    """

    step: int
    elapsed_s: float
    train: float
    validation: float
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class LayerCertificate:
    """Float64 norms of one layer of the evaluated critic.

    `operator_norm` is the largest singular value (for norm linf: the largest row L1
    norm); `orthonormality_defect` is the spectral norm of W W^T - I or W^T W - I,
    whichever has fewer rows, and None where the constraint does not ask for it.
    """

    rows: int
    columns: int
    operator_norm: float
    orthonormality_defect: float | None


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Upper bound on the Lipschitz constant of the evaluated critic.

    `lipschitz_bound` is the product of the layers' operator norms, inflated for
    rounding; `norm` is the ground norm it refers to.
    """

    lipschitz_bound: float
    norm: str
    layers: list[LayerCertificate]


@dataclass(frozen=True, kw_only=True)
class Extreme:
    """A given sample by its row, and its potential in the units of the data.

    `sample` is the row of a table by the names of its columns, as its owner would write
    it; None where samples have no names.
    """

    row: int
    value: float
    sample: dict[str, float | str | bool | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """What one feature has to do with the difference.

    `share` is its mean share of the gradient: the square of the component (for norm
    linf: its size), so that the shares of all features sum to 1 where the gradient has
    length 1. `slope` is the mean component with its sign: positive where the source has
    more of the feature. Where features are standardized, it is per deviation.

    For tables it is about a column: all its features together, of which `feature` is
    the first. `slope` is None for a category of more than two levels; that of two rises
    towards the second.
    """

    feature: int
    share: float
    slope: float | None
    column: str | None = None


@dataclass(frozen=True, kw_only=True)
class GradientNorm:
    """Lengths of the critic's gradient at some `rows` of the samples.

    In the dual of the ground norm (l2 for l2, l1 for linf): at most 1. `steep_share` is
    the share of rows where it is above 0.99.
    """

    rows: int
    mean: float
    steep_share: float


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Potentials of both sides: bins between `edges`, with shares of each side."""

    edges: list[float]
    source: list[float]
    target: list[float]


@dataclass(frozen=True, kw_only=True)
class Differences:
    """Where the samples differ, as the critic of the first fold sees it.

    Attributes:
        source_extremes: Source samples of the highest potential: what the source has
            and the target lacks.
        target_extremes: Target samples of the lowest potential.
        attribution: Features by their share of the gradient, the largest 64 at most.
        gradient_norm: How long the gradient is; near 1 if the critic keeps gradients.
        histogram: Potentials of all given samples.
    """

    source_extremes: list[Extreme]
    target_extremes: list[Extreme]
    attribution: list[Attribution]
    gradient_norm: GradientNorm
    histogram: Histogram


@dataclass(frozen=True, kw_only=True)
class ComparedColumn:
    """A column that was compared, and what it has to do with the distance.

    Attributes:
        name: Its name.
        kind: number, boolean or category; dates taken for numbers are numbers.
        levels: Number of different values of a category, a missing one among them.
        divisor: What differences of a number were divided by.
        weight: Distance where rows differ in the category, or where only one of them
            has a value.
        imputed: What a missing number counted as.
    """

    name: str
    kind: str
    levels: int | None
    divisor: float | None
    weight: float | None
    imputed: float | None


@dataclass(frozen=True, kw_only=True)
class ColumnDistance:
    """How far apart one column's values are on both sides, by itself.

    Attributes:
        column: Its name.
        kind: number, boolean or category.
        w1: In the metric of the joint distance: at most that distance.
        w1_in_units: In the units of a number; None for what has none.
        p_value: For equal distributions of this column; None for weighted samples.
        p_adjusted: The same, corrected for the number of columns (Holm).
    """

    column: str
    kind: str
    w1: float
    w1_in_units: float | None
    p_value: float | None
    p_adjusted: float | None


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """How much of a difference is found that was planted in the user's own data.

    Attributes:
        distance: W1 of the planted difference, in the units of the data.
        found: Its estimate, by the same settings.
        standard_error: Of that estimate.
        share: found / distance. Of other differences it proves nothing.
    """

    distance: float
    found: float
    standard_error: float
    share: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate:
    """A W1 estimate with everything needed to trust it; see docs/estimator.md.

    Attributes:
        estimate: Held-out mean difference of the critic over its certified Lipschitz
            bound, in the units of the data. Unbiased for a quantity that is <= W1.
        standard_error: Of `estimate`, from the test samples.
        lower_bound: One-sided: <= W1(P, Q) with probability `confidence`.
        lower_bounds: The same by every method; only `bound_method`, chosen before the
            data were seen, is the promise.
        p_value: For the hypothesis P = Q.
        detectable_distance: About the smallest distance that would give a lower bound
            above 0 with probability 0.8, had the critic found it on so many test
            samples of the same spread.
        sample_lower_bound: Deterministic lower bound on W1 between the given samples.
        sample_upper_bound: Cost of a feasible coupling of the given samples, or None.
        sample_upper_bound_reason: How the upper bound was found, or why it is missing.
        critic_family: The winner of the portfolio: network, cones or affine.
        winner: What the winner stands for, such as the depth of a network.
        config: The settings as they were asked for, a valid configuration again.
        differences: Where the samples differ. A description, not a promise: the critic
            has seen most of the samples it describes.
        columns: What was compared, where samples have names; else None.
        metric: The distance between two rows in one sentence, where they have names.
        by_column: W1 of each column by itself, where they have names.
        self_check: How much of a difference planted in these data was found, where
            that was asked for and one can be that is not lost in noise.
        critic: The evaluated critic as a safetensors document (not part of the JSON).
    """

    estimate: float
    standard_error: float
    lower_bound: float
    confidence: float
    bound_method: str
    lower_bounds: dict[str, float]
    p_value: float
    detectable_distance: float
    sample_lower_bound: float | None
    sample_upper_bound: float | None
    sample_upper_bound_reason: str
    critic_family: str
    winner: dict[str, Any]
    certificate: Certificate
    curve: list[CurvePoint]
    stop_reason: StopReason
    steps: int
    elapsed_s: float
    n_source: int
    n_target: int
    dim: int
    seed: int
    device: str
    config: dict[str, Any]
    versions: dict[str, str]
    warnings: list[str]
    differences: Differences
    columns: list[ComparedColumn] | None = None
    metric: str | None = None
    by_column: list[ColumnDistance] | None = None
    self_check: SelfCheck | None = None
    critic: bytes = field(repr=False, compare=False, default=b"")

    def __repr__(self) -> str:
        """Return the numbers that matter; `to_dict` has all."""
        percent = f"{100 * self.confidence:g} %"
        return (
            f"<Estimate of W1: {self.estimate:.5g} ± {self.standard_error:.2g}, at "
            f"least {self.lower_bound:.5g} ({percent}), p = {self.p_value:.2g}, "
            f"{self.n_source:,} and {self.n_target:,} samples in dimension {self.dim}>"
        )

    def _repr_html_(self) -> str:
        """Return the answer as a notebook shows it."""
        from kantor.estimator.display.html import summary

        return summary(self.to_dict())

    @property
    def differs(self) -> bool:
        """Whether the bound shows, at `confidence`, that P and Q differ."""
        return self.lower_bound > 0.0

    @property
    def verdict(self) -> str:
        """Say in a sentence what was found."""
        return verdict(self.to_dict())

    def plot(self) -> Any:
        """Draw answer, training curve and histogram; return the figure of pyplot."""
        from kantor.estimator.display.charts import figure_of

        return figure_of(self.to_dict())

    def report(self, path: str | PathLike[str] | None = None, heading: str = "") -> str:
        """Return a report as one HTML file, and write it to `path` where there is one.

        Args:
            path: Where to write it.
            heading: What was compared, in a few words.
        """
        from kantor.estimator.display.html import report

        text = report(self.to_dict(), heading=heading)
        if path is not None:
            Path(path).write_text(text, "utf-8")
        return text

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "Estimate":
        """Build from the JSON document of an estimate; what is unknown is ignored.

        Raises:
            ValueError: It is no such document.
        """
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(document)

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON document (everything but the critic)."""
        document = asdict(self)
        del document["critic"]
        document["stop_reason"] = self.stop_reason.value
        return document


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What `on_progress` receives: the step reached, and the newest curve point."""

    step: int
    max_steps: int
    point: CurvePoint | None
