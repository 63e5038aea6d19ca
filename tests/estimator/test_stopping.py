"""`should_stop` is asked from the first step to the last number, and costs nothing."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator import (
    Estimate,
    EstimateConfig,
    EstimationStopped,
    InvalidInput,
    estimate_w1,
    pipeline,
)
from kantor.estimator.result import Progress

QUICK = EstimateConfig(effort="quick", steps=25, critic="network", sample_bounds=False)
CHUNKED = 20_000
"""Samples a side of which an evaluation takes several chunks."""


@cache
def samples() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.random.default_rng(0).normal(size=(2, CHUNKED, 1))
    return x + 1.0, y


def stopped_after_training(asked_again: int, **settings: Any) -> bytes:
    """Stop at the n-th question after the last step; return the checkpoint."""
    reports: list[Progress] = []
    later = iter(range(1, 1000))

    def should_stop() -> bool:
        trained = bool(reports) and reports[-1].step == reports[-1].max_steps
        return trained and next(later) >= asked_again

    with pytest.raises(EstimationStopped) as stopped:
        estimate_w1(
            *samples(),
            QUICK.replace(**settings),
            on_progress=reports.append,
            should_stop=should_stop,
        )
    assert stopped.value.checkpoint is not None
    return stopped.value.checkpoint


def numbers(estimate: Estimate) -> dict[str, Any]:
    """Return all but what the clock says."""
    document = estimate.to_dict()
    del document["elapsed_s"]
    for point in document["curve"]:
        del point["elapsed_s"]
    return document


@pytest.mark.parametrize("asked_again", [1, 5])
def test_the_evaluation_stops_between_its_chunks(asked_again: int) -> None:
    checkpoint = stopped_after_training(asked_again)
    resumed = estimate_w1(*samples(), QUICK, resume_from=checkpoint)
    whole = estimate_w1(*samples(), QUICK)
    assert numbers(resumed) == numbers(whole)
    assert resumed.critic == whole.critic


def test_every_fold_is_evaluated_under_the_question() -> None:
    checkpoint = stopped_after_training(8, folds=2)  # six chunks a fold
    folds = QUICK.replace(folds=2)
    resumed = estimate_w1(*samples(), folds, resume_from=checkpoint)
    assert numbers(resumed) == numbers(estimate_w1(*samples(), folds))


@pytest.mark.parametrize(
    "part", ["held_out", "detectable_distance", "p_value_of", "cautions_for"]
)
def test_every_part_of_the_answer_is_followed_by_the_question(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes a minute where there are ten million samples."""
    done: list[str] = []
    compute = getattr(pipeline, part)

    def noted(*given: Any, **named: Any) -> Any:
        found = compute(*given, **named)
        done.append(part)
        return found

    monkeypatch.setattr(pipeline, part, noted)
    with pytest.raises(EstimationStopped) as stopped:
        estimate_w1(*samples(), QUICK, should_stop=lambda: bool(done))
    assert stopped.value.checkpoint is not None


def test_a_resumed_estimation_takes_no_step_twice() -> None:
    reports: list[Progress] = []
    checkpoint = stopped_after_training(1)
    estimate = estimate_w1(
        *samples(), QUICK, resume_from=checkpoint, on_progress=reports.append
    )
    assert reports == []
    assert estimate.steps == 25


def test_a_checkpoint_belongs_to_its_settings() -> None:
    checkpoint = stopped_after_training(1)
    with pytest.raises(InvalidInput, match="same samples and settings") as refused:
        estimate_w1(*samples(), QUICK.replace(seed=1), resume_from=checkpoint)
    assert refused.value.field == "resume_from"
