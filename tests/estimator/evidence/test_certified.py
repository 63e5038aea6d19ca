"""Certified critics: float64 values over the constant of the very same weights."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from kantor.estimator import EstimationStopped
from kantor.estimator.evidence.certified import EvaluatedCritic, evaluated
from kantor.estimator.samples.scaling import Scaler
from kantor.models.activations import Activation
from kantor.models.network import Network, initial_network

UNIT = Scaler(center=np.zeros(3), deviation=np.ones(3), unit=1.0)


def network(factor: float = 1.0) -> Network:
    found = initial_network(
        3, width=8, depth=2, activations=(Activation(),),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return found.with_tensors([factor * p for p in found.tensors()])


def samples(n: int = 100) -> np.ndarray:
    return np.asarray(np.random.default_rng(0).normal(size=(n, 3)))


def test_weights_are_evaluated_in_float64() -> None:
    critic = evaluated(network(), "network")
    assert {p.dtype for p in critic.critic.tensors()} == {torch.float64}
    assert critic.values(samples(), UNIT).dtype == np.float64


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_values_are_divided_by_what_the_weights_stretch(factor: float) -> None:
    critic = evaluated(network(factor), "network")
    assert critic.lipschitz_bound == pytest.approx(factor**3, rel=1e-5)  # float32
    x, y = samples(), samples()[::-1]
    climbed = np.abs(critic.values(x, UNIT) - critic.values(y, UNIT))
    assert (climbed <= np.linalg.norm(x - y, axis=1) * (1 + 1e-12)).all()


def test_chunks_change_nothing() -> None:
    critic, x = evaluated(network(), "network"), samples(20_000)
    parts = [critic.values(x[i : i + 999], UNIT) for i in range(0, 20_000, 999)]
    np.testing.assert_allclose(
        critic.values(x, UNIT), np.concatenate(parts), rtol=1e-12, atol=1e-14
    )


def test_samples_are_scaled_before() -> None:
    scaler = Scaler(center=np.ones(3), deviation=np.array([1.0, 2.0, 4.0]), unit=0.5)
    critic, x = evaluated(network(), "network"), samples()
    expected = critic.values(scaler(x), UNIT)
    np.testing.assert_allclose(critic.values(x, scaler), expected, rtol=1e-12)


def test_numpy_gives_the_values_of_torch(
    critic_of: Callable[..., EvaluatedCritic],
) -> None:
    critic = critic_of("network")
    values = critic.potential()(samples()) / critic.lipschitz_bound
    np.testing.assert_allclose(critic.values(samples(), UNIT), values, rtol=1e-9)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_stops_before_any_chunk(after: int) -> None:
    asked = iter(range(100))
    critic = evaluated(network(), "network")
    with pytest.raises(EstimationStopped) as stopped:
        critic.values(samples(30_000), UNIT, should_stop=lambda: next(asked) >= after)
    assert stopped.value.checkpoint is None
    assert next(asked) == after + 1


def test_the_certificate_names_its_norm_and_layers() -> None:
    certificate = evaluated(network(2.0), "network").certificate()
    assert certificate.norm == "l2"
    shapes = [(layer.rows, layer.columns) for layer in certificate.layers]
    assert shapes == [(8, 3), (8, 8), (1, 8)]
    assert all(abs(layer.operator_norm - 2.0) < 1e-5 for layer in certificate.layers)
    defects = [layer.orthonormality_defect for layer in certificate.layers]
    assert defects == pytest.approx([3.0] * 3, abs=1e-4)  # of 2 W: 4 - 1


MEMORY_PROGRAM = """
import re
import numpy as np
from pathlib import Path
from kantor.estimator.evidence.certified import evaluated
from test_certified import UNIT, network

def own_bytes():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", status)[1])

critic = evaluated(network(), "network")
rows = np.broadcast_to(np.float32(1.0), (1_000_000, 3))
critic.values(rows[:100_000], UNIT)
before = own_bytes()
values = critic.values(rows, UNIT)
print((own_bytes() - before) / values.nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_rows_leave_no_more_memory_taken_than_their_values() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert float(ended.stdout) < 2.0  # chunks that were kept one by one: 5
