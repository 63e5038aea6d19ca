"""Small generators of digit images, trained as Wasserstein GANs with three critics.

Weight clipping: Arjovsky, Chintala & Bottou (2017), arXiv:1701.07875. Gradient penalty:
Gulrajani et al. (2017), arXiv:1704.00028. The third critic is a MaxMin network with
orthonormal weights: it needs neither.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd import backward

from benchmarks.paper.ascent import ascent, evaluated
from benchmarks.paper.devices import here, placed
from benchmarks.paper.methods import method_of
from kantor.models.activations import Activation
from kantor.models.network import Network, initial_network

LATENT = 16

CRITIC_STEPS = 5
"""Steps of the critic for each step of the generator."""

CLIP = 0.05

PENALTY = 10.0

RATE_SHARE = 0.2
"""Step size of the Lipschitz critic, as a share of that of an estimate."""

BATCH = 64

Values = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Sizes:
    """Units of a hidden layer of both networks, and steps of the generator."""

    width: int
    steps: int


def generator_network(dim: int, width: int) -> nn.Sequential:
    """Return a generator of pixels in [0, 1] from LATENT Gaussian numbers."""
    return nn.Sequential(
        nn.Linear(LATENT, width), nn.ReLU(),
        nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, dim), nn.Sigmoid(),
    ).to(here())  # fmt: skip


def generated(generator: nn.Module, n: int, seed: int) -> Tensor:
    """Draw n images (n, d) from a generator that no longer changes."""
    latent = torch.randn(n, LATENT, generator=torch.Generator().manual_seed(seed))
    device = next(generator.parameters()).device
    with torch.no_grad():
        images: Tensor = generator(latent.to(device))
    return images.cpu()


def trained_generator(critic: str, real: Tensor, sizes: Sizes, seed: int) -> nn.Module:
    """Train a generator against a critic: `clipping`, `penalty` or `lipschitz`."""
    torch.manual_seed(seed)
    generator, real = generator_network(real.shape[1], sizes.width), real.to(here())
    optimizer = torch.optim.Adam(generator.parameters(), 5e-4, betas=(0.5, 0.9))

    def pair() -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(real), (BATCH,))
        return real[rows], generator(noise())

    critics = CRITICS[critic](pair, real.shape[1], sizes, seed)
    for _ in range(sizes.steps):
        values = next(critics)
        optimizer.zero_grad()
        backward(-values(generator(noise())).mean())
        optimizer.step()
    return generator.cpu()


Pairs = Callable[[], tuple[Tensor, Tensor]]


def noise() -> Tensor:
    """Draw what one batch of images is generated from."""
    return torch.randn(BATCH, LATENT).to(here())


def relu_critic(dim: int, width: int) -> nn.Sequential:
    """Return a critic without a constraint."""
    return nn.Sequential(
        nn.Linear(dim, width), nn.LeakyReLU(0.2),
        nn.Linear(width, width), nn.LeakyReLU(0.2),
        nn.Linear(width, 1),
    ).to(here())  # fmt: skip


def clipped(pair: Pairs, dim: int, sizes: Sizes, seed: int) -> Iterator[Values]:
    """Yield a critic whose weights are clipped after each step."""
    critic = relu_critic(dim, sizes.width)
    optimizer = torch.optim.RMSprop(critic.parameters(), 5e-4)
    while True:
        for _ in range(CRITIC_STEPS):
            x, y = pair()
            optimizer.zero_grad()
            backward(critic(y.detach()).mean() - critic(x).mean())
            optimizer.step()
            with torch.no_grad():
                for parameter in critic.parameters():
                    parameter.clamp_(-CLIP, CLIP)
        yield critic


def penalized(pair: Pairs, dim: int, sizes: Sizes, seed: int) -> Iterator[Values]:
    """Yield a critic whose gradient is drawn to length 1 between both sides."""
    critic = relu_critic(dim, sizes.width)
    optimizer = torch.optim.Adam(critic.parameters(), 5e-4, betas=(0.5, 0.9))
    while True:
        for _ in range(CRITIC_STEPS):
            x, y = (side.detach() for side in pair())
            between = torch.lerp(
                x, y, torch.rand(len(x), 1).to(x.device)
            ).requires_grad_()
            (slope,) = torch.autograd.grad(
                critic(between).sum(), between, create_graph=True
            )
            penalty = (slope.norm(dim=1) - 1.0).square().mean()
            optimizer.zero_grad()
            loss = critic(y).mean() - critic(x).mean() + PENALTY * penalty
            backward(loss)
            optimizer.step()
        yield critic


def lipschitz(pair: Pairs, dim: int, sizes: Sizes, seed: int) -> Iterator[Values]:
    """Yield a MaxMin critic with orthonormal weights."""
    start = initial_network(
        dim, width=sizes.width, depth=2, activations=(Activation("maxmin"),),
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    method, rate = method_of("stiefel")

    def dual_objective(critic: Network, _: int) -> Tensor:
        x, y = pair()
        return critic(x).mean(-1) - critic(y.detach()).mean(-1)

    steps = CRITIC_STEPS * sizes.steps
    way = ascent(
        placed(start), method, dual_objective, steps=steps, rates=RATE_SHARE * rate,
        pace=lambda *_: 1.0,  # a critic that slows down lets the generator run away
    )  # fmt: skip
    for count, parameters in enumerate(way, start=1):
        if count % CRITIC_STEPS == 0:
            critic = evaluated(parameters, method)
            yield lambda x, critic=critic: critic(x)[0]  # type: ignore[misc]


CRITICS: dict[str, Callable[[Pairs, int, Sizes, int], Iterator[Values]]] = {
    "clipping": clipped,
    "penalty": penalized,
    "lipschitz": lipschitz,
}
