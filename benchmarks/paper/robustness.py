"""Provable robustness: what attacks find, and what certificates exclude.

Anil, Lucas & Grosse (2019): classifiers that are 1-Lipschitz in linf (each row in the
L1 ball, AggMo, hinge with a margin) or in l2 (Björck, Stiefel) against standard and
PGD-trained ReLU networks. Every test image is also attacked at a radius just inside its
own certificate, where no attack may succeed.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from benchmarks.paper.attacks import Attack, fgsm
from benchmarks.paper.classifiers import certified_radii, margins
from benchmarks.paper.data import CLASSES, Images, load
from benchmarks.paper.devices import here, placed
from benchmarks.paper.robust_models import (
    RADII,
    Model,
    Size,
    models_for,
    single,
    size_of,
    trained,
)
from benchmarks.paper.robust_report import report
from benchmarks.paper.trials import (
    Experiment,
    Outcome,
    Settings,
    Trial,
)
from kantor.models.critic import mapped
from kantor.models.network import Network
from kantor.models.vocabulary import Norm

INSIDE = 1.0 - 1e-6
"""Share of the certified radius at which each image is attacked: room for rounding."""


def trial(model: dict[str, Any], data_dir: str | None, size: dict[str, int]) -> Outcome:
    """Train one model with several seeds, certify it and attack it."""
    chosen, scale, images = Model(**model), Size(**size), load(data_dir)
    networks = trained(chosen, images, scale)
    radii = certified_radii(networks, images.test_x, images.test_y)
    runs = [
        examined(networks.select([k]), images, radii[k], chosen, scale, seed=k)
        for k in range(scale.seeds)
    ]
    examples = [int((images.test_y == c).nonzero()[0, 0]) for c in range(CLASSES)]
    arrays = {
        "images": images.test_x[examples].numpy(),
        "gradients": class_gradients(networks, images.test_x[examples]).numpy(),
        "radii": radii.numpy(),
    }
    return Outcome({"runs": runs, "test": len(images.test_x), **size}, arrays)


def examined(
    network: Network, images: Images, radii: Tensor, model: Model, size: Size,
    *, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Return shares of test images that are right, certified, and right when attacked.

    Clean and certified shares are of all test images, those under attack of the first
    `size.attacked`.
    """
    generator = torch.Generator().manual_seed(seed)
    network, images = placed(network), images.placed(here())
    x, y = images.test_x[: size.attacked], images.test_y[: size.attacked]
    found: dict[str, Any] = {"clean": share(radii > 0.0)}
    for norm, radius, attack in attacks(model, size):
        worst = attack(single(network), x, y, radius, generator)
        right = margins(single(network)(worst), y) > 0.0
        found[f"{'fgsm' if attack.steps == 1 else 'pgd'} {norm} {radius}"] = share(
            right
        )
    for radius in RADII[model.norm]:
        found[f"certified {model.norm} {radius}"] = share(radii >= radius)
    return found | inside(network, images, radii, model.norm, size, generator)


def attacks(model: Model, size: Size) -> Iterator[tuple[Norm, float, Attack]]:
    """Yield what a model is attacked by: in its own norm, without one in both."""
    for norm, radii in RADII.items():
        if model.constraint == "none" or norm == model.norm:
            for radius in radii:
                yield norm, radius, fgsm(norm)
                yield norm, radius, Attack(norm, steps=size.attack_steps, starts=2)


def inside(
    network: Network, images: Images, radii: Tensor, norm: Norm, size: Size,
    generator: torch.Generator,
) -> dict[str, int]:  # fmt: skip
    """Attack every image just inside its certified radius; count what succeeds.

    All in float64, in which the certificate is stated.
    """
    sure = radii > 0.0
    exact = single(mapped(network, Tensor.double))
    at = sure.to(images.test_y.device)
    x, y = images.test_x[at].double(), images.test_y[at]
    attack = Attack(norm, steps=size.attack_steps, starts=2)
    worst = attack(exact, x, y, INSIDE * radii[sure], generator)
    broken = margins(exact(worst), y) <= 0.0
    return {"attacked_inside": int(sure.sum()), "violations": int(broken.sum())}


def share(holds: Tensor) -> float:
    """Return the share of rows for which something holds."""
    return float(holds.double().mean())


def class_gradients(networks: Network, x: Tensor) -> Tensor:
    """Return the gradient (n, d) of each row's largest logit in the first network."""
    leaf = x.clone().requires_grad_()
    largest = single(networks)(leaf).amax(-1).sum()
    return torch.autograd.grad(largest, leaf)[0]


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each model."""
    return [
        Trial(
            f"{settings.data}-{name}",
            trial,
            {
                "model": asdict(model),
                "data_dir": settings.data_dir,
                "size": size_of(model, settings),
            },
        )
        for name, model in models_for(settings).items()
    ]


EXPERIMENT = Experiment("Provable robustness: certificates and attacks", trials, report)
