"""Norm-constrained GroupSort networks are universal: the construction, executed.

Random max-min forms are built as networks and compared with their formula; then the
same construction interpolates 1-Lipschitz functions at more and more points, and its
error falls on all of the square. Nothing is trained.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.paper.lattices import MaxMin, interpolant, joined
from benchmarks.paper.reports import markdown, new_figure
from benchmarks.paper.trials import (
    Experiment,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)
from kantor.models.critic import lipschitz_bound

SIZES = ((2, 2), (4, 8), (8, 64), (16, 784))
"""(m, d): m^2 affine functions of d features."""

POINTS = (2, 4, 8, 16, 32)

LINE = torch.linspace(-2.0, 2.0, 401, dtype=torch.float64)


def random_max_min(m: int, dim: int, generator: torch.Generator) -> MaxMin:
    """Draw slopes of length 1 and offsets."""
    slopes = torch.randn(m, m, dim, generator=generator, dtype=torch.float64)
    offsets = torch.randn(m, m, generator=generator, dtype=torch.float64)
    return MaxMin(torch.nn.functional.normalize(slopes, dim=-1), offsets)


def exactness(seed: int) -> Outcome:
    """Compare networks with the formulas that they were built for."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for m, dim in SIZES:
        form = random_max_min(m, dim, generator)
        network = form.as_network()
        x = torch.randn(2000, dim, generator=generator, dtype=torch.float64)
        error = float((network(x)[0] - form(x)).abs().max())
        bound = float(lipschitz_bound(network)[0])
        rows.append({"m": m, "dim": dim, "error": error, "bound": bound})
    return Outcome({"rows": rows})


def target(x: Tensor) -> Tensor:
    """Return a smooth 1-Lipschitz function of (n, 2): waves, of slope at most 1."""
    radius: Tensor = x.norm(dim=-1)
    return 0.25 * (2.0 * radius).cos() + 0.5 * x[:, 0].sin()


def approximation(seed: int) -> Outcome:
    """Interpolate the target at random points of the square [-2, 2]^2."""
    generator = torch.Generator().manual_seed(seed)
    points = 4.0 * torch.rand(max(POINTS), 2, generator=generator).double() - 2.0
    grid = torch.cartesian_prod(LINE[::8], LINE[::8])
    wanted, rows, surfaces = target(grid), [], []
    for count in POINTS:
        network = interpolant(points[:count], target(points[:count])).as_network()
        values, at_points = network(grid)[0], network(points[:count])[0]
        rows.append({
            "points": count,
            "units": network.weights[0].shape[1],
            "error": float((values - wanted).abs().max()),
            "mean_error": float((values - wanted).abs().mean()),
            "error_at_points": float((at_points - target(points[:count])).abs().max()),
            "bound": float(lipschitz_bound(network)[0]),
        })  # fmt: skip
        surfaces.append(values)
    arrays = {"surfaces": torch.stack([*surfaces, wanted]), "points": points}
    return Outcome({"rows": rows}, {k: v.numpy() for k, v in arrays.items()})


def closure(seed: int) -> Outcome:
    """Join two networks on the line to their maximum and minimum."""
    generator = torch.Generator().manual_seed(seed)
    f, g = (random_max_min(3, 1, generator).as_network() for _ in range(2))
    x = LINE[:, None]
    larger, smaller = (joined(f, g, maximum=m) for m in (True, False))
    both = torch.stack([f(x)[0], g(x)[0]])
    errors = [
        float((larger(x)[0] - both.amax(0)).abs().max()),
        float((smaller(x)[0] - both.amin(0)).abs().max()),
    ]
    bounds = [float(lipschitz_bound(n)[0]) for n in (larger, smaller)]
    values = torch.cat([both, larger(x), smaller(x)])
    return Outcome({"errors": errors, "bounds": bounds}, {"values": values.numpy()})


def trials(_: Settings) -> list[Trial]:
    """Return the three checks; they take seconds."""
    checks = {
        "exactness": exactness,
        "approximation": approximation,
        "closure": closure,
    }
    return [Trial(name, check, {"seed": 3}) for name, check in checks.items()]


def report(_: Settings, found: Outcomes) -> Report:
    """Return the errors of networks against what they represent."""
    exact = markdown(
        ["affine functions", "features", "largest error", "certified constant"],
        [
            [str(r["m"] ** 2), str(r["dim"]), f"{r['error']:.1e}", f"{r['bound']:.6f}"]
            for r in found["exactness"].figures["rows"]
        ],
    )
    near = markdown(
        ["points", "units of a layer", "error at the points", "largest error on the "
         "square", "mean error", "certified constant"],
        [
            [str(r["points"]), str(r["units"]), f"{r['error_at_points']:.1e}",
             f"{r['error']:.3f}", f"{r['mean_error']:.3f}", f"{r['bound']:.6f}"]
            for r in found["approximation"].figures["rows"]
        ],
    )  # fmt: skip
    tables = {"universality-exact": exact, "universality-near": near}
    return Report(tables, {"universality": picture(found)})


def picture(found: Outcomes) -> Figure:
    """Draw the closed lattice on the line, and interpolants on the square."""
    figure, axes = new_figure(1, 5, width=13, height=2.8)
    f, g, larger, smaller = found["closure"].arrays["values"]
    first, *others = axes[0]
    for values, name, style in ((f, "f", "C0"), (g, "g", "C1")):
        first.plot(LINE, values, style, lw=4, alpha=0.35, label=name)
    first.plot(LINE, larger, "k", lw=1, label="max(f, g), one network")
    first.plot(LINE, smaller, "k--", lw=1, label="min(f, g)")
    first.legend(fontsize=6)
    arrays = found["approximation"].arrays
    chosen = [(i, f"{POINTS[i]} points") for i in (1, 2, 4)] + [(-1, "target")]
    side = LINE[::8].numpy()
    for ax, (i, name) in zip(others, chosen, strict=True):
        surface = arrays["surfaces"][i].reshape(len(side), len(side))
        ax.contourf(side, side, surface.T, np.linspace(-0.9, 0.8, 18))
        if i >= 0:
            x, y = arrays["points"][: POINTS[i]].T
            ax.plot(x, y, "k.", ms=3)
        ax.set_title(name, fontsize=9)
        ax.set_aspect("equal")
    return figure


EXPERIMENT = Experiment(
    "The universal-approximation construction, as exact networks", trials, report
)
