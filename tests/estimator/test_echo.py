"""A result echoes what was asked, as a configuration again, and says what won."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator import Estimate, EstimateConfig, estimate_w1

SMALL = EstimateConfig(
    effort="quick", steps=75, width=32, cones=32, sample_bounds=False
)


def parity(n: int = 400) -> NDArray[np.float64]:
    """Draw corners of the cube: of even parity for the source, odd for the target.

    No single feature tells much of them, so that a trained critic wins.
    """
    rng = np.random.default_rng(0)
    corners = rng.choice([-1.0, 1.0], size=(2, n, 3))
    corners[:, :, 0] *= corners.prod(2) * np.array([[1.0], [-1.0]])
    return np.asarray(corners + 0.05 * rng.normal(size=corners.shape))


def shifted() -> NDArray[np.float64]:
    """Draw Gaussians, one moved: a critic of one feature wins."""
    x, y = np.random.default_rng(0).normal(size=(2, 400, 3))
    return np.stack([x + 3.0, y])


def estimated(samples: NDArray[np.float64], **settings: Any) -> Estimate:
    x, y = samples
    return estimate_w1(x, y, SMALL.replace(**settings))


ASKED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "relu": {"critic": "network", "activation": "relu"},
    "maxmin": {"critic": "network", "activation": "maxmin"},
    "groups": {"critic": "network", "width": 24, "group_size": 6},
    "linf": {"norm": "linf", "folds": 2},
}


@pytest.mark.parametrize("samples", [shifted(), parity()], ids=["shift", "parity"])
@pytest.mark.parametrize("asked", ASKED)
def test_the_echo_is_the_configuration_that_was_asked(
    asked: str, samples: NDArray[np.float64]
) -> None:
    document = json.loads(json.dumps(estimated(samples, **ASKED[asked]).to_dict()))
    again = EstimateConfig.from_dict(document["config"])
    assert again == SMALL.replace(**ASKED[asked])


def test_a_network_that_won_says_its_shape() -> None:
    estimate = estimated(parity(), critic="network")
    assert estimate.critic_family == "network"
    assert estimate.winner["depth"] == 2
    assert estimate.winner["width"] == 32
    assert estimate.winner["activation"] in ("groupsort", "abs")


def test_a_unitwise_activation_groups_nothing() -> None:
    estimate = estimated(parity(), critic="network", activation="abs")
    assert estimate.critic_family == "network"
    assert estimate.winner["group_size"] == 1


def test_cones_that_won_say_how_many() -> None:
    estimate = estimated(parity(), critic="cones")
    assert estimate.critic_family == "cones"
    assert estimate.winner["cones"] == 32
    assert estimate.winner["shape"] in ("peaks", "valleys")
    assert 1.5 < estimate.estimate < 2.1  # an edge of the cube is 2 long


def test_the_winner_is_part_of_the_document() -> None:
    estimate = estimated(shifted())
    document = json.loads(json.dumps(estimate.to_dict()))
    assert document["winner"] == estimate.winner
    assert not set(document["winner"]) & {"effort", "seed"}  # not settings over again
