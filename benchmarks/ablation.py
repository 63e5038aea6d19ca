"""What raises tightness: `python -m benchmarks.ablation [--problems REGEX]`.

One setting at a time is changed from a base, all on the same samples: networks alone
and cones alone, since in the portfolio the one would hide what the other lost. The
table gives held-out estimates as shares of the truth, and processor seconds.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.pictures import new_axes, save
from benchmarks.problems import Problem, select
from benchmarks.tables import machine, print_table, tell
from kantor.estimator import EstimateConfig, estimate_w1

PROBLEMS = "funnels-4d-64|funnels-16d-64|mixture-16d"

Changes = dict[str, Any]

NETWORK: Changes = {"critic": "network", "depth": 2, "width": 128, "group_size": 16}
CONES: Changes = {"critic": "cones"}


def variants() -> Iterator[tuple[str, Changes]]:
    """Yield each variant's name and its settings."""
    yield "network (depth 2, width 128, groups of 16)", NETWORK
    for size in (2, 4, 8, 32, 128):
        yield f"network, groups of {size}", NETWORK | {"group_size": size}
    for depth in (1, 3, 4):
        yield f"network, depth {depth}", NETWORK | {"depth": depth}
    for width in (64, 256):
        yield f"network, width {width}", NETWORK | {"width": width}
    for rate in (0.02, 0.1):
        yield f"network, step size {rate}", NETWORK | {"learning_rate": rate}
    for batch_size in (256, 4096):
        yield f"network, batch {batch_size}", NETWORK | {"batch_size": batch_size}
    for optimizer in ("adam", "sgd", "aggmo"):
        yield f"network, {optimizer}", NETWORK | {"optimizer": optimizer}
    for constraint in ("bjorck", "spectral", "parseval", "mixed"):
        yield f"network, {constraint}", NETWORK | {"constraint": constraint}
    for activation in ("abs", "maxout", "relu", "leaky_relu", "tanh", "sigmoid"):
        ungrouped = {"group_size": None, "activation": activation}
        yield f"network, {activation}", NETWORK | ungrouped
    yield "cones (512, batch 2048)", CONES
    for count in (64, 256, 2048):
        yield f"cones, {count} of them", CONES | {"cones": count}
    for batch_size in (512, 8192):
        yield f"cones, batch {batch_size}", CONES | {"batch_size": batch_size}
    yield "portfolio", {}


def measured(problem: Problem, changes: Changes, base: EstimateConfig, n: int) -> float:
    """Return the estimate as a share of the truth."""
    x, y = problem.sample(n, np.random.default_rng([base.seed, n]))
    return estimate_w1(x, y, base.replace(**changes)).estimate / problem.w1


def draw(rows: dict[str, list[float]]) -> None:
    """Draw each variant's mean."""
    axes = new_axes(height=1.2 + 0.22 * len(rows))
    places = range(len(rows))
    axes.barh(places, [float(np.mean(ratios)) for ratios in rows.values()])
    axes.set_yticks(places, list(rows))
    axes.invert_yaxis()
    axes.set_xlabel("mean share of the true W1")
    save(axes, "ablation")


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default=PROBLEMS, help="regular expression")
    parser.add_argument("--n", type=int, default=10_000, help="samples a side")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    base = EstimateConfig(
        steps=arguments.steps, seed=arguments.seed, sample_bounds=False
    )
    problems = list(select(arguments.problems))
    found, seconds = {}, {}
    for name, changes in variants():
        started = time.process_time()
        found[name] = [measured(p, changes, base, arguments.n) for p in problems]
        seconds[name] = time.process_time() - started
        tell(name, f"{np.mean(found[name]):.3f}")
    print(f"{machine()}; {vars(arguments)}\n")
    print_table(
        ["variant", *(p.name for p in problems), "mean", "processor s"],
        [
            [name, *(f"{r:.3f}" for r in ratios), f"{np.mean(ratios):.3f}",
             f"{seconds[name]:.0f}"]
            for name, ratios in found.items()
        ],
    )  # fmt: skip
    draw(found)


if __name__ == "__main__":
    main()
