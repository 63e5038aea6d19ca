"""What people use today for W1, and ours, each as a function (x, y, seed) -> `Answer`.

Transport solvers and sliced distances compare the given samples as they are; critics
(`benchmarks.rival_critics`) are evaluated on samples that they have not seen.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.answers import Answer, Array, Method
from benchmarks.rival_critics import paper, torchlip, wgan_gp
from kantor.estimator import EstimateConfig, estimate_w1

SHARE = 0.05
"""Regularization of Sinkhorn as a share of the mean cost."""

LINES = 200
"""Random directions of the sliced distances."""

STARTS, ASCENT_STEPS, ASCENT_RATE = 10, 150, 0.05
"""Directions that are ascended from, and how."""

ITERATIONS = 10_000_000
"""Limit of the network simplex, far above what it takes."""


def exact(x: Array, y: Array, seed: int) -> Answer:
    """Solve transport between the samples exactly, by POT's network simplex."""
    import ot

    cost = ot.dist(x, y, metric="euclidean")
    return Answer(float(ot.emd2([], [], cost, numItermax=ITERATIONS)))


def split(x: Array, y: Array, seed: int) -> Answer:
    """Subtract what halves of each side are apart from what the sides are: POT 0.9.7.

    Each term is exact transport between halves. It may be below 0, or off W1 on either
    side: what it subtracts is the bias of equal samples, not of these.
    """
    import ot

    found = ot.solve_sample(
        x, y, metric="euclidean", debias="split", max_iter=ITERATIONS
    )
    return Answer(float(found.value))


def wax(x: Array, y: Array, seed: int) -> Answer:
    """Solve transport and divide it among features and pairs, by wax-ot.

    Its plan is POT's within POT's own limit of iterations, so it may cost a little more
    than the best.
    """
    from wax import attribute
    from wax import exact as exact_coupling

    return Answer(float(attribute(x, y, exact_coupling(x, y, p=1, q=2)).W))


def sinkhorn(x: Array, y: Array, seed: int) -> Answer:
    """Return the cost of POT's entropic plan."""
    import ot

    cost = ot.dist(x, y, metric="euclidean")
    plan = ot.sinkhorn(
        [], [], cost, reg=SHARE * cost.mean(), numItermax=200, stopThr=1e-6, warn=False
    )
    return Answer(float((plan * cost).sum()))


def geomloss_sinkhorn(x: Array, y: Array, seed: int) -> Answer:
    """Return geomloss's debiased Sinkhorn divergence."""
    from geomloss import SamplesLoss

    spread = float(np.linalg.norm(x.mean(0) - x[:1000], axis=1).mean())
    loss = SamplesLoss("sinkhorn", p=1, blur=SHARE * spread, backend="tensorized")
    return Answer(float(loss(*(torch.from_numpy(side).float() for side in (x, y)))))


def sliced(x: Array, y: Array, seed: int) -> Answer:
    """Return the mean W1 over random lines, by POT; another distance than W1."""
    import ot

    value = ot.sliced_wasserstein_distance(x, y, n_projections=LINES, p=1, seed=seed)
    return Answer(float(value))


def max_sliced(x: Array, y: Array, seed: int) -> Answer:
    """Return the largest W1 over random lines, by POT."""
    import ot

    value = ot.max_sliced_wasserstein_distance(
        x, y, n_projections=LINES, p=1, seed=seed
    )
    return Answer(float(value))


def max_sliced_ascent(x: Array, y: Array, seed: int) -> Answer:
    """Return the largest W1 over lines that Adam turns, through POT's gradients.

    Deshpande et al. (2019), arXiv:1904.05877. The lines are fitted to the very samples
    that they are evaluated on.
    """
    import ot

    u, v = (torch.from_numpy(side) for side in (x, y))
    generator = torch.Generator().manual_seed(seed)
    lines = torch.randn(x.shape[1], STARTS, generator=generator, dtype=u.dtype)
    lines.requires_grad_()
    adam = torch.optim.Adam([lines], lr=ASCENT_RATE)
    for _ in range(ASCENT_STEPS):
        directions = lines / torch.linalg.vector_norm(lines, dim=0)
        loss = -ot.sliced_wasserstein_distance(u, v, projections=directions, p=1)
        adam.zero_grad()
        loss.backward()
        adam.step()
    found = (lines / torch.linalg.vector_norm(lines, dim=0)).detach()
    return Answer(
        float(ot.max_sliced_wasserstein_distance(u, v, projections=found, p=1))
    )


def ours(x: Array, y: Array, seed: int, **settings: Any) -> Answer:
    """Return the estimate of this project, with its defaults where nothing is set."""
    config = EstimateConfig(seed=seed, sample_bounds=False, **settings)
    found = estimate_w1(x, y, config)
    return Answer(found.estimate, found.lower_bound)


@dataclass(frozen=True)
class Rival:
    """A method that is compared.

    Attributes:
        method: What it does.
        bound: What its value is to W1, in a few words.
        package: What it needs beyond this project's own.
    """

    method: Method
    bound: str
    package: str | None = None


NONE = "none"
SAMPLES = "W1 of the samples"
AT_LEAST_SAMPLES = "at least that of the samples"
ABOVE_SAMPLES = "above that of the samples"
BELOW_SAMPLES = "below that of the samples"
LOWER = "lower, 95 %"

TRANSPORT = {
    "exact transport (POT)": Rival(exact, SAMPLES),
    "transport (wax-ot)": Rival(wax, AT_LEAST_SAMPLES, "wax"),
    "exact, debias='split' (POT)": Rival(split, NONE),
    "Sinkhorn (POT)": Rival(sinkhorn, ABOVE_SAMPLES),
    "Sinkhorn divergence (geomloss)": Rival(geomloss_sinkhorn, NONE, "geomloss"),
    "sliced (POT)": Rival(sliced, BELOW_SAMPLES),
    "max-sliced (POT)": Rival(max_sliced, BELOW_SAMPLES),
    "max-sliced by ascent (POT)": Rival(max_sliced_ascent, BELOW_SAMPLES),
}

CRITICS = {
    "WGAN-GP critic": Rival(wgan_gp, NONE),
    "deel-torchlip critic": Rival(torchlip, "below W1 on average", "deel.torchlip"),
    "the paper's recipe": Rival(paper, LOWER),
}

OURS = {
    f"ours, {effort}": Rival(partial(ours, effort=effort), LOWER)
    for effort in ("quick", "standard", "thorough")
}

ALONE = {
    f"ours, {family} alone": Rival(partial(ours, critic=family), LOWER)
    for family in ("network", "cones", "projection")
}
"""One family of critics, at standard effort."""

PEERS = TRANSPORT | CRITICS
