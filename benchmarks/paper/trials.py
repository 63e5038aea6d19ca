"""What an experiment is: trials that can run apart, and a report of what they found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

Figures = dict[str, Any]
"""What a trial found, JSON-ready."""


@dataclass(frozen=True)
class Settings:
    """What the command line chooses.

    Attributes:
        full: The paper's sizes instead of quick ones.
        data_dir: Folder of the MNIST files; None for scikit-learn's digits.
    """

    full: bool = False
    data_dir: str | None = None

    @property
    def data(self) -> str:
        """Name of the images, part of the names of trials."""
        return "digits" if self.data_dir is None else "mnist"

    def pick(self, quick: int, full: int) -> int:
        """Return one of two sizes."""
        return full if self.full else quick


@dataclass(frozen=True)
class Outcome:
    """What one trial found.

    Attributes:
        figures: Numbers and words.
        arrays: What pictures are drawn of.
    """

    figures: Figures
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One piece of work, run in a process of its own and kept in a file of its own.

    Attributes:
        name: Of its file, unique within an experiment.
        run: A function of a module.
        arguments: Keyword arguments for it, JSON-ready. A result that was found with
            others is not used again.
    """

    name: str
    run: Callable[..., Outcome]
    arguments: dict[str, Any]


Outcomes = Mapping[str, Outcome]
"""What trials found, by their names."""


@dataclass(frozen=True)
class Report:
    """Tables (Markdown) and pictures by name, as the documentation shows them."""

    tables: dict[str, str]
    pictures: dict[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """One experiment of the paper.

    Attributes:
        title: What is asked, in a line.
        trials: What has to run, at given settings.
        report: What it comes to.
    """

    title: str
    trials: Callable[[Settings], list[Trial]]
    report: Callable[[Settings, Outcomes], Report]
