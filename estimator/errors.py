"""Errors of the estimator.

    EstimatorError
    ├── InvalidInput (ValueError)
    │   ├── InvalidSamples     the arrays: shape, dtype, count, finiteness
    │   └── InvalidConfig      a setting: type, range, impossible combination
    └── EstimationStopped      `should_stop` answered true before the end

`InvalidInput` names the field it is about, so that every door (Python, CLI, HTTP) can
point at what is wrong.
"""

from collections.abc import Callable


class EstimatorError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidInput(EstimatorError, ValueError):
    """Reject an input: what was expected, and what was received.

    Attributes:
        field: Name of the argument or setting, such as `source` or `confidence`.
        reason: What was expected and what was received, in one sentence.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    def __reduce__(self) -> tuple[type["InvalidInput"], tuple[str, str]]:
        """Rebuild from both parts, so that the error survives a process boundary."""
        return type(self), (self.field, self.reason)


class InvalidSamples(InvalidInput):
    """Reject a sample array."""


class InvalidConfig(InvalidInput):
    """Reject a setting of `EstimateConfig`."""


class EstimationStopped(EstimatorError):
    """Report that `should_stop` ended the estimation before it had an answer.

    Attributes:
        checkpoint: Training state from which `estimate_w1(..., resume_from=...)` goes
            on to the very result an uninterrupted run gives; None before training.
    """

    def __init__(self, checkpoint: bytes | None) -> None:
        super().__init__("estimation stopped on request")
        self.checkpoint = checkpoint


def stop_where_asked(should_stop: Callable[[], bool]) -> None:
    """Ask whether to go on, as every part that may take long does.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    if should_stop():
        raise EstimationStopped(None)
