from typing import Any

import pytest

from kantor.service.api.schemas import JobOptions, JobRequest
from kantor.service.api.submissions import Submission
from kantor.service.queue import SampleRef

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
    job = asked.job(owner="ann", idempotency_key="k", quota=5)
    assert (job.labels, job.priority, job.deadline_s) == ({"a": "b"}, 3, 9.0)
    assert (job.owner, job.idempotency_key, job.quota) == ("ann", "k", 5)
    assert job.cache_key == asked.cache_key()


def test_a_job_that_declines_the_cache_has_no_key_in_it() -> None:
    job = submission(cache=False).job(owner="", idempotency_key=None, quota=None)
    assert (job.cache_key, job.idempotency_key) == ("", "")


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
    assert (plain.cache_key() == changed.cache_key()) is same_answer
    assert plain.digest() != changed.digest()
