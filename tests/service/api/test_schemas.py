from typing import Any

import pytest
from pydantic import ValidationError

from kantor.estimator import EstimateConfig, InvalidConfig
from kantor.service.api.schemas import JobOptions, JobRequest

ROWS = [[1.0, 2.0], [3.0, 4.0]]
DATASET = "ds_" + "0" * 64
SIDES: dict[str, Any] = {"source": {"samples": ROWS}, "target": {"dataset": DATASET}}


def test_settings_left_out_are_the_estimators() -> None:
    assert JobOptions().estimate_config() == EstimateConfig()


def test_a_combination_that_the_estimator_refuses_is_refused() -> None:
    options = JobOptions.model_validate({"config": {"norm": "l2", "constraint": "l1"}})
    with pytest.raises(InvalidConfig) as refused:
        options.estimate_config()
    assert refused.value.field == "constraint"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"config": {"seed": "1"}}, ("config", "seed")),
        ({"config": {"sede": 1}}, ("config", "sede")),
        ({"priority": 1.5}, ("priority",)),
        ({"deadline_s": float("inf")}, ("deadline_s",)),
        ({"labels": {"a b": "c"}}, ("labels",)),
        ({"source": {"samples": ROWS, "dataset": DATASET}}, ("source",)),
        ({"source": {"dataset": "ds_1"}}, ("source",)),
        ({"webhook": {"url": "https://a", "events": []}}, ("webhook", "events")),
        ({"more": 1}, ("more",)),
    ],
)
def test_nothing_is_guessed(change: dict[str, Any], place: tuple[str, ...]) -> None:
    JobRequest.model_validate(SIDES)
    with pytest.raises(ValidationError) as refused:
        JobRequest.model_validate(SIDES | change)
    location = refused.value.errors()[0]["loc"]
    assert location[: len(place)] == place


@pytest.mark.parametrize("weights", [None, [1.0, 2.0], {"dataset": DATASET}])
def test_weights_come_in_three_ways(weights: Any) -> None:
    side = {"samples": ROWS, "weights": weights}
    request = JobRequest.model_validate(SIDES | {"source": side})
    kept = request.source.weights
    assert (kept if not hasattr(kept, "dataset") else {"dataset": DATASET}) == weights
