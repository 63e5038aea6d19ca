from dataclasses import replace
from typing import Any

import pytest

from kantor.estimator.config import EstimateConfig
from kantor.estimator.workload import shape_class, workload_of
from kantor.service.api.errors import LimitExceeded
from kantor.service.api.schemas import JobOptions, JobRequest
from kantor.service.api.submissions import Submission, check_workload, cost_of
from kantor.service.queue import SampleRef
from kantor.service.settings import Settings

ROWS = [[float(i)] for i in range(50)]
X, Y = SampleRef("ds_x", 50, 1), SampleRef("ds_y", 60, 1)


def submission(
    *, sides: tuple[SampleRef, SampleRef] = (X, Y), **options: Any
) -> Submission:
    asked = JobOptions.model_validate(options)
    return Submission(*sides, asked, asked.estimate_config().to_dict(), None)


def test_the_options_of_a_request_are_all_but_its_samples() -> None:
    given = {"labels": {"a": "b"}, "priority": 3, "cache": False, "deadline_s": 9.0}
    sides = {"source": {"samples": ROWS}, "target": {"samples": ROWS}}
    asked = JobRequest.model_validate(given | sides)
    assert asked.options() == JobOptions.model_validate(given)


def test_every_option_reaches_the_job() -> None:
    asked = submission(labels={"a": "b"}, priority=3, deadline_s=9.0)
    settings = Settings(max_queued_per_key=5)
    job = asked.job(owner="ann", idempotency_key="k", settings=settings)
    assert (job.labels, job.priority, job.deadline_s) == ({"a": "b"}, 3, 9.0)
    assert (job.owner, job.idempotency_key, job.quota) == ("ann", "k", 5)
    assert job.cache_key == asked.cache_key("ann")


def test_the_kind_of_a_small_job_reaches_the_queue() -> None:
    asked = replace(submission(), bucket="small")
    job = asked.job(owner="ann", idempotency_key=None, settings=Settings())
    assert job.to_fields()["bucket"] == "small"


def test_a_job_that_declines_the_cache_has_no_key_in_it() -> None:
    asked = submission(cache=False)
    job = asked.job(owner="", idempotency_key=None, settings=Settings())
    assert (job.cache_key, job.idempotency_key) == ("", "")


def test_an_answer_from_cache_tells_nobody_of_others() -> None:
    asked = submission()
    assert asked.cache_key("ann") != asked.cache_key("bob")


def test_a_job_has_a_deadline_unless_the_operator_wants_none() -> None:
    def deadline_s(**settings: Any) -> float | None:
        given = Settings.model_validate(settings)
        job = submission().job(owner="", idempotency_key=None, settings=given)
        return job.deadline_s

    assert deadline_s() == Settings().default_deadline_s == 86_400.0
    assert deadline_s(default_deadline_s=0) is None


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ({"width": 4096, "depth": 16, "batch_size": 10**6, "folds": 20},
         "max_job_memory_bytes"),
        ({"steps": 10**6, "width": 2048, "depth": 8}, "max_job_operations"),
    ],
)  # fmt: skip
def test_a_job_that_would_exhaust_a_worker_is_refused(
    config: dict[str, Any], setting: str
) -> None:
    asked = EstimateConfig.from_dict(config)
    with pytest.raises(LimitExceeded, match=setting) as refused:
        check_workload(workload_of(asked, 5000, 5000, 100), Settings())
    assert refused.value.errors[0].pointer == "#/config"


@pytest.mark.parametrize(
    "settings", [{}, {"seed": 1}, {"steps": 7}, {"effort": "quick", "norm": "linf"}]
)
@pytest.mark.parametrize("n", [50, 5000])
def test_the_cost_of_a_job_is_that_of_its_settings_and_shapes(
    settings: dict[str, Any], n: int
) -> None:
    asked = EstimateConfig.from_dict(settings)
    expected = workload_of(asked, n, 60, 3), shape_class(asked, n, 60, 3) or ""
    for _ in range(2):  # worked out, and remembered
        assert cost_of(asked.to_dict(), n, 60, 3) == expected


def test_every_effort_is_accepted_on_a_million_samples() -> None:
    for effort in ("quick", "standard", "thorough"):
        asked = EstimateConfig(effort=effort)
        check_workload(workload_of(asked, 10**6, 10**6, 784), Settings())


@pytest.mark.parametrize(
    ("changes", "same_answer"),
    [
        ({"priority": 1}, True),
        ({"labels": {"a": "b"}}, True),
        ({"config": {"seed": 1}}, False),
        ({"sides": (Y, X)}, False),
        ({"sides": (X, SampleRef("ds_y", 60, 1, "ds_w"))}, False),
    ],
)
def test_only_what_decides_the_answer_is_in_the_cache_key(
    changes: dict[str, Any], same_answer: bool
) -> None:
    plain, changed = submission(), submission(**changes)
    assert (plain.cache_key("a") == changed.cache_key("a")) is same_answer
    assert plain.digest() != changed.digest()
