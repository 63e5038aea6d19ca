"""Worker processes on a queue, and jobs for them."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from kantor.service.settings import Settings
from tests.service.worker.worker_processes import Submit, Workers, submit_to


@pytest.fixture
def workers(settings: Settings) -> Iterator[Workers]:
    with closing(Workers(settings)) as workers:
        yield workers


@pytest.fixture
def submit(board: Any, settings: Settings) -> Submit:
    return partial(submit_to, board, settings)
