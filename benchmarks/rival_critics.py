"""Critics that others train for W1, each as a function (x, y, seed) -> `Answer`.

All learn from two thirds of the samples for the same number of steps and are evaluated
on the rest. Step sizes are those of their papers or documentation, none is tuned.
"""

import torch
from torch import Tensor, nn

from benchmarks.answers import Answer, Array
from kantor.estimator import EstimateConfig, estimate_w1

STEPS = 1000
BATCH = 256
WIDTH = 128


def wgan_gp(x: Array, y: Array, seed: int) -> Answer:
    """Train a ReLU critic with a gradient penalty; nothing bounds its slope.

    Gulrajani et al. (2017), arXiv:1704.00028: penalty 10, Adam(2e-4, 0, 0.9).
    """
    torch.manual_seed(seed)
    hidden = [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
    critic = nn.Sequential(
        nn.Linear(x.shape[1], WIDTH), nn.ReLU(), *hidden, nn.Linear(WIDTH, 1)
    )
    adam = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.0, 0.9))
    return Answer(trained_value(critic, adam, x, y, penalty=10.0))


def torchlip(x: Array, y: Array, seed: int) -> Answer:
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
    return Answer(trained_value(critic, adam, x, y, penalty=0.0))


def paper(x: Array, y: Array, seed: int) -> Answer:
    """Train a MaxMin network by Adam, through 20 Björck iterations in every step.

    The recipe of Anil, Lucas & Grosse (2019), arXiv:1811.05381, run and certified by
    this project's estimator: split, evaluation and bound are ours, the critic is not.
    """
    config = EstimateConfig(
        critic="network",
        constraint="bjorck",
        optimizer="adam",
        learning_rate=1e-3,
        activation="groupsort",
        group_size=2,
        depth=3,
        width=WIDTH,
        steps=STEPS,
        batch_size=BATCH,
        seed=seed,
        sample_bounds=False,
    )
    found = estimate_w1(x, y, config)
    return Answer(found.estimate, found.lower_bound)


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
