"""Who keeps gradients: norms of input gradients, singular values, active units.

A critic that reaches W1 has a gradient of length 1 almost everywhere (Gulrajani et al.
2017); where layers are orthonormal and activations permute, the whole Jacobian is
orthonormal too: dynamical isometry (Anil, Lucas & Grosse 2019).
Critics between the digits 0-4 and 5-9 are trained under each constraint, then looked at
on images that they have not seen.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.paper.ascent import ascended
from benchmarks.paper.data import digits
from benchmarks.paper.devices import here
from benchmarks.paper.methods import method_of
from benchmarks.paper.reports import markdown, new_figure, percent
from benchmarks.paper.trials import (
    Experiment,
    Figures,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)
from kantor.models.activations import Activation
from kantor.models.network import Network, initial_network

Array = NDArray[np.floating]

ACTIVATIONS = {
    "MaxMin": Activation("maxmin"),
    "GroupSort 16": Activation("groupsort", 16),
    "ReLU": Activation("relu"),
    "leaky ReLU": Activation("leaky_relu"),
    "tanh": Activation("tanh"),
}

UNITWISE = ("ReLU", "leaky ReLU")
"""Those whose units are active or not."""

CONSTRAINTS = ("stiefel", "bjorck", "spectral", "parseval")

DEPTH = 3

JACOBIANS = 100
"""Images at which whole Jacobians are taken."""


def trial(constraint: str, seed: int, width: int, steps: int) -> Outcome:
    """Train a critic of each activation, and measure what its gradients keep."""
    images = digits()
    generator = torch.Generator().manual_seed(seed)
    start = initial_network(
        images.dim, width=width, depth=DEPTH,
        activations=tuple(ACTIVATIONS.values()), generator=generator,
    )  # fmt: skip
    low = images.train_y < 5
    sides = [images.train_x[rows].to(here()) for rows in (low, ~low)]
    method, rate = method_of(constraint)

    def dual_objective(networks: Network, _: int) -> Tensor:
        x, y = (
            side[torch.randint(len(side), (256,), generator=generator)]
            for side in sides
        )
        return networks(x).mean(-1) - networks(y).mean(-1)

    found = ascended(start, method, dual_objective, steps=steps, rates=rate)
    lengths = gradient_lengths(found, images.test_x)
    singular = jacobian_singular_values(found, images.test_x[:JACOBIANS])
    never, always = activity(found, images.test_x)
    figures = {
        name: kept(lengths[k], singular[k], [w[k] for w in found.weights[:-1]])
        | {"never": float(never[k]), "always": float(always[k])}
        for k, name in enumerate(ACTIVATIONS)
    }
    return Outcome(figures, {"lengths": lengths, "singular": singular})


def kept(lengths: Array, singular: Array, weights: list[Tensor]) -> Figures:
    """Return what one critic keeps: of gradients, of directions, in its weights."""
    of_weights = np.concatenate([torch.linalg.svdvals(w) for w in weights])
    return {
        "gradient_quantiles": np.quantile(lengths, [0.05, 0.5, 0.95]).tolist(),
        "steep_share": float((lengths > 0.99).mean()),
        "jacobian_share": float((singular > 0.9).mean()),
        "jacobian_median": float(np.median(singular)),
        "weights_range": [float(of_weights.min()), float(of_weights.max())],
    }


def pre_activations(networks: Network, x: Tensor) -> list[Tensor]:
    """Return W z + b (K, n, width) of each hidden layer, for x (K, n, d) or (n, d)."""
    z = x if x.dim() == 3 else x.expand(networks.n_critics, *x.shape)
    found = []
    for w, b in zip(networks.weights[:-1], networks.biases, strict=True):
        found.append(torch.baddbmm(b, z, w.mT))
        z = networks.activated(found[-1])
    return found


def gradient_lengths(networks: Network, x: Tensor) -> Array:
    """Return |grad f_k| (K, n) at rows x (n, d)."""
    leaf = x.expand(networks.n_critics, *x.shape).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(networks(leaf).sum(), leaf)
    return np.asarray(gradient.norm(dim=-1))


def jacobian_singular_values(networks: Network, x: Tensor) -> Array:
    """Return singular values (K, n, r) of the map from x to the last hidden layer."""
    leaf = x.expand(networks.n_critics, *x.shape).clone().requires_grad_()
    features = networks.activated(pre_activations(networks, leaf)[-1])
    rows = [
        torch.autograd.grad(features[..., u].sum(), leaf, retain_graph=True)[0]
        for u in range(features.shape[-1])
    ]
    jacobians = torch.stack(rows, dim=-2)  # (K, n, width, d)
    return np.asarray(torch.linalg.svdvals(jacobians))


def activity(networks: Network, x: Tensor) -> tuple[Array, Array]:
    """Return shares (K,) of units that are never, and always, above zero at rows x."""
    active = torch.cat(pre_activations(networks, x), dim=-1) > 0.0
    never, always = ~active.any(1), active.all(1)
    return never.float().mean(-1).numpy(), always.float().mean(-1).numpy()


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each constraint."""
    size = {"width": settings.pick(64, 512), "steps": settings.pick(600, 4000)}
    return [
        Trial(constraint, trial, {"constraint": constraint, "seed": 0, **size})
        for constraint in CONSTRAINTS
    ]


HEADER = (
    "constraint", "activation", "gradient length, 5 % / median / 95 %",
    "above 0.99", "singular values of weights", "of the Jacobian, median",
    "above 0.9", "units never active", "always active",
)  # fmt: skip


def report(settings: Settings, found: Outcomes) -> Report:
    """Return what each constraint and activation keeps, and its distributions."""
    rows = []
    for constraint, outcome in found.items():
        for name, measured in outcome.figures.items():
            low, high = measured["weights_range"]
            rows.append([
                constraint, name,
                " / ".join(f"{q:.2f}" for q in measured["gradient_quantiles"]),
                percent(measured["steep_share"]),
                f"{low:.2f} to {high:.2f}",
                f"{measured['jacobian_median']:.2f}",
                percent(measured["jacobian_share"]),
                *(percent(measured[k]) if name in UNITWISE else ""
                  for k in ("never", "always")),
            ])  # fmt: skip
    return Report({"isometry": markdown(HEADER, rows)}, {"isometry": picture(found)})


def picture(found: Outcomes) -> Figure:
    """Draw gradient lengths and singular values of Jacobians, by constraint."""
    figure, axes = new_figure(2, len(CONSTRAINTS), width=11, height=5)
    for i, constraint in enumerate(CONSTRAINTS):
        arrays = found[constraint].arrays
        for k, name in enumerate(ACTIVATIONS):
            for row, values in zip(axes, (arrays["lengths"], arrays["singular"]),
                                   strict=True):  # fmt: skip
                ordered = np.sort(values[k], axis=None)
                ranks = np.linspace(0.0, 1.0, len(ordered))
                row[i].plot(ordered, ranks, label=name)
        axes[0][i].set_title(constraint)
        axes[0][i].set_xlabel("length of the input gradient")
        axes[1][i].set_xlabel("singular value of the Jacobian")
    for row in axes:
        row[0].set_ylabel("share below")
    axes[0][0].legend(fontsize=7)
    return figure


EXPERIMENT = Experiment(
    "Who keeps gradient norms, and whose Jacobian is orthonormal", trials, report
)
