"""Classifiers for the experiment on robustness: how each is built and trained."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from benchmarks.paper.ascent import ascended
from benchmarks.paper.attacks import Attack
from benchmarks.paper.classifiers import (
    RELU_GAIN,
    amplified,
    initial_classifiers,
    margins,
)
from benchmarks.paper.data import CLASSES, Images
from benchmarks.paper.devices import here
from benchmarks.paper.methods import method_of
from benchmarks.paper.trials import Settings
from kantor.estimator.config import OptimizerName
from kantor.models.activations import Activation
from kantor.models.critic import mapped
from kantor.models.network import Network
from kantor.models.vocabulary import ActivationName, Norm

TRAINING_ATTACK = Attack("linf", steps=7, starts=1)
"""What adversarial training fits to."""


RADII: dict[Norm, tuple[float, ...]] = {"linf": (0.1, 0.3), "l2": (0.5, 1.0, 1.5)}


FIRST_FEW = 5
"""Models of MNIST at quick sizes, two or three minutes each."""


@dataclass(frozen=True)
class Model:
    """One way of building and training a classifier.

    Attributes:
        label: In tables.
        activation: Between layers.
        constraint: As `methods` names it.
        optimizer: As the estimator names it; None for what suits the constraint.
        rate: Step size.
        margin: Radius that the hinge loss asks for around each training image; None for
            cross-entropy.
        adversarial: Radius of PGD training in linf; None for none.
    """

    label: str
    activation: ActivationName
    constraint: str = "none"
    optimizer: OptimizerName = "adam"
    rate: float = 0.001
    margin: float | None = None
    adversarial: float | None = None

    @property
    def norm(self) -> Norm:
        """Norm in which it is certified."""
        return "linf" if self.constraint == "l1" else "l2"


MODELS = {
    "relu": Model("ReLU, standard", "relu"),
    "maxmin-linf": Model("MaxMin, l-infinity, margin 0.3", "maxmin", "l1", "aggmo", 0.3,
                         margin=0.3),
    "relu-linf": Model("ReLU, l-infinity, margin 0.3", "relu", "l1", "aggmo", 0.1,
                       margin=0.3),
    "relu-pgd-03": Model("ReLU, PGD training 0.3", "relu", adversarial=0.3),
    "maxmin-stiefel": Model("MaxMin, Stiefel", "maxmin", "stiefel", "manifold", 0.02,
                            margin=1.0),
    "relu-pgd-01": Model("ReLU, PGD training 0.1", "relu", adversarial=0.1),
    "maxmin-linf-01": Model("MaxMin, l-infinity, margin 0.1", "maxmin", "l1", "aggmo",
                            0.3, margin=0.1),
    "maxmin-bjorck": Model("MaxMin, Björck", "maxmin", "bjorck", "adam", 0.002,
                           margin=1.0),
    "relu-bjorck": Model("ReLU, Björck", "relu", "bjorck", "adam", 0.002, margin=1.0),
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How large classifiers are, how long they train, how hard they are attacked."""

    width: int
    depth: int
    steps: int
    batch_size: int
    attacked: int
    attack_steps: int
    seeds: int


def models_for(settings: Settings) -> dict[str, Model]:
    """Return the models to train: of MNIST at quick sizes the first few alone.

    Björck iterations of 784 columns take ten times as long as the rest of a step.
    """
    quick_mnist = settings.data == "mnist" and not settings.full
    chosen = list(MODELS)[:FIRST_FEW] if quick_mnist else list(MODELS)
    return {name: MODELS[name] for name in chosen}


def size_of(model: Model, settings: Settings) -> dict[str, int]:
    """Return the sizes of quick or full settings, by the images.

    Rows in the L1 ball let many units fade: those networks are twice as wide on digits.
    Steps on the manifold of 784 columns are dear, and fewer of them are enough.
    """
    if settings.full:
        size = Size(1024, 3, 20_000, 128, 10_000, 100, 3)
    elif settings.data == "mnist":
        steps = 600 if model.constraint == "stiefel" else 2500
        size = Size(256, 3, steps, 128, 2000, 20, 1)
    else:
        width = 128 if model.constraint == "l1" else 64
        size = Size(width, 3, 1200, 64, 599, 20, 3)
    return asdict(size)


def trained(model: Model, images: Images, size: Size) -> Network:
    """Return K classifiers, which differ in their start and their batches."""
    images = images.placed(here())
    generator = torch.Generator().manual_seed(0)
    networks = initial_classifiers(
        images.dim, classes=CLASSES, width=size.width, depth=size.depth,
        activation=Activation(model.activation), count=size.seeds,
        generator=generator, path="linf" if model.constraint == "l1" else "l2",
    )  # fmt: skip
    if model.constraint == "none":
        networks = amplified(networks, RELU_GAIN)
    method, _ = method_of(model.constraint, model.optimizer)

    def objective(candidates: Network, _: int) -> Tensor:
        shape = (size.seeds, size.batch_size)
        rows = torch.randint(len(images.train_x), shape, generator=generator)
        x, y = images.train_x[rows], images.train_y[rows]
        if model.adversarial is not None:
            x = attacked_batch(candidates, x, y, model.adversarial, generator)
        return -loss(candidates(x), y, model)

    return ascended(networks, method, objective, steps=size.steps, rates=model.rate)


def loss(logits: Tensor, y: Tensor, model: Model) -> Tensor:
    """Return the mean loss (K,) of logits (K, B, C) and labels (K, B).

    The multi-class hinge of Crammer & Singer: how far the lead over the best other
    class stays below what certifies the margin in a 1-Lipschitz network.
    """
    if model.margin is not None:
        slope = 2.0 if model.norm == "linf" else math.sqrt(2.0)
        return (slope * model.margin - margins(logits, y)).clamp_min(0.0).mean(-1)
    entropies = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), y.flatten(), reduction="none"
    )
    return entropies.reshape(y.shape).mean(-1)


def attacked_batch(
    networks: Network, x: Tensor, y: Tensor, radius: float, generator: torch.Generator
) -> Tensor:
    """Return the images (K, B, d) that PGD makes of a batch, for each classifier."""
    return torch.stack([
        TRAINING_ATTACK(single(networks, k), x[k], y[k], radius, generator)
        for k in range(networks.n_critics)
    ])  # fmt: skip


def single(networks: Network, k: int = 0) -> Callable[[Tensor], Tensor]:
    """Return the logits of one of K classifiers as a function of rows (n, d)."""
    chosen = mapped(networks.select([k]), Tensor.detach)
    return lambda x: chosen(x)[0]
