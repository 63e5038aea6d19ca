"""The objective in chunks of rows is that of all rows, sides of any lengths."""

import pytest
import torch

from kantor.estimator.training import objective
from kantor.models.cones import initial_cones


def test_measured_by_chunks_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "CHUNK_ROWS", 7)
    generator = torch.Generator().manual_seed(0)
    centers, x, y = (
        torch.randn(2, rows, 3, generator=generator) for rows in (4, 20, 31)
    )
    critic = initial_cones(centers, signs=(-1, 1))
    torch.testing.assert_close(
        objective.measured(critic, x, y, [0, 1]),
        objective.dual_objective(critic, x, y, [0, 1]),
    )
