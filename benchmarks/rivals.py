"""What people use today for W1, each as a function (x, y, seed) -> value.

Transport solvers compare the given samples as they are. Critics are trained on two
thirds of the samples and evaluated on the rest. Only `ours` carries a certificate.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kantor.estimator import EstimateConfig, estimate_w1

Array = NDArray[np.float64]
Method = Callable[[Array, Array, int], float]

STEPS = 1000
BATCH = 256
WIDTH = 128
SHARE = 0.05
"""Regularization of Sinkhorn as a share of the mean cost."""


def exact(x: Array, y: Array, seed: int) -> float:
    """Solve transport between the samples exactly, by POT's network simplex."""
    import ot

    cost = ot.dist(x, y, metric="euclidean")
    return float(ot.emd2([], [], cost, numItermax=10_000_000))


def sinkhorn(x: Array, y: Array, seed: int) -> float:
    """Return the cost of POT's entropic plan."""
    import ot

    cost = ot.dist(x, y, metric="euclidean")
    plan = ot.sinkhorn(
        [], [], cost, reg=SHARE * cost.mean(), numItermax=200, stopThr=1e-6, warn=False
    )
    return float((plan * cost).sum())


def geomloss_sinkhorn(x: Array, y: Array, seed: int) -> float:
    """Return geomloss's debiased Sinkhorn divergence."""
    from geomloss import SamplesLoss

    spread = float(np.linalg.norm(x.mean(0) - x[:1000], axis=1).mean())
    loss = SamplesLoss("sinkhorn", p=1, blur=SHARE * spread, backend="tensorized")
    return float(loss(*(torch.from_numpy(side).float() for side in (x, y))))


def sliced(x: Array, y: Array, seed: int) -> float:
    """Return the mean W1 over 200 random lines, by POT; another distance than W1."""
    import ot

    return float(
        ot.sliced_wasserstein_distance(x, y, n_projections=200, p=1, seed=seed)
    )


def wgan_gp(x: Array, y: Array, seed: int) -> float:
    """Train a ReLU critic with a gradient penalty; nothing bounds its slope.

    Gulrajani et al. (2017), arXiv:1704.00028: penalty 10, Adam(2e-4, 0, 0.9).
    """
    torch.manual_seed(seed)
    hidden = [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
    critic = nn.Sequential(
        nn.Linear(x.shape[1], WIDTH), nn.ReLU(), *hidden, nn.Linear(WIDTH, 1)
    )
    adam = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.0, 0.9))
    return trained_value(critic, adam, x, y, penalty=10.0)


def torchlip(x: Array, y: Array, seed: int) -> float:
    """Train a 1-Lipschitz critic of deel-torchlip."""
    from deel import torchlip as lip

    torch.manual_seed(seed)
    critic = lip.Sequential(
        lip.SpectralLinear(x.shape[1], WIDTH),
        lip.GroupSort2(),
        lip.SpectralLinear(WIDTH, WIDTH),
        lip.GroupSort2(),
        lip.FrobeniusLinear(WIDTH, 1),
    )
    adam = torch.optim.Adam(critic.parameters(), lr=1e-3)
    return trained_value(critic, adam, x, y, penalty=0.0)


def ours(x: Array, y: Array, seed: int) -> float:
    """Return the estimate of this project with its defaults."""
    config = EstimateConfig(seed=seed, sample_bounds=False)
    return estimate_w1(x, y, config).estimate


def trained_value(
    critic: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Array,
    y: Array,
    *,
    penalty: float,
) -> float:
    """Train on the first two thirds, return the mean difference on the rest."""
    sides = [torch.from_numpy(side).float() for side in (x, y)]
    fits = [side[: 2 * len(side) // 3] for side in sides]
    tests = [side[2 * len(side) // 3 :] for side in sides]
    for _ in range(STEPS):
        u, v = (fit[torch.randint(len(fit), (BATCH,))] for fit in fits)
        loss = critic(v).mean() - critic(u).mean()
        if penalty:
            loss = loss + penalty * slope_penalty(critic, u, v)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    critic.eval()
    with torch.no_grad():
        return float(critic(tests[0]).mean() - critic(tests[1]).mean())


def slope_penalty(critic: nn.Module, u: Tensor, v: Tensor) -> Tensor:
    """Return the mean of (|grad f| - 1)^2 at random points between u and v (B, d)."""
    share = torch.rand(len(u), 1)
    between = (share * u + (1 - share) * v).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    excess: Tensor = torch.linalg.vector_norm(slope, dim=1) - 1
    return excess.square().mean()


@dataclass(frozen=True)
class Rival:
    """A method, and the package it needs beyond this project's own."""

    method: Method
    package: str | None = None


RIVALS = {
    "exact transport (POT)": Rival(exact),
    "Sinkhorn (POT)": Rival(sinkhorn),
    "Sinkhorn (geomloss)": Rival(geomloss_sinkhorn, "geomloss"),
    "sliced (POT)": Rival(sliced),
    "WGAN-GP critic": Rival(wgan_gp),
    "deel-torchlip critic": Rival(torchlip, "deel.torchlip"),
    "ours": Rival(ours),
}
