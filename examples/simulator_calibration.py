"""Which parameter makes a simulator most like what was observed?

A queue with one server is observed: how long customers wait and are served. The
simulator is run at several loads, and the one with the least distance to the
observation is taken. Distances compare whole joint distributions, so that no one has to
choose summary statistics.
"""

import numpy as np
from numpy.typing import NDArray

from kantor import estimate_w1

TRUTH = 0.7
LOADS = (0.5, 0.6, 0.7, 0.8)


def simulated(load: float, *, n: int, seed: int) -> NDArray[np.float64]:
    """Return waiting time and service time of n customers, far apart in time."""
    rng = np.random.default_rng(seed)
    waits = np.zeros(n)
    for _ in range(60):  # Lindley's recursion, each row a queue of its own
        service, gap = rng.exponential(load, n), rng.exponential(1.0, n)
        waits = np.maximum(0.0, waits + service - gap)
    return np.column_stack([waits, rng.exponential(load, n)])


def main() -> None:
    """Observe at a load, then find it again."""
    observed = simulated(TRUTH, n=1000, seed=1)
    found = {
        load: estimate_w1(simulated(load, n=1000, seed=2), observed, effort="quick")
        for load in LOADS
    }
    for load, estimate in found.items():
        print(f"load {load}: {estimate.estimate:+.3f}, p = {estimate.p_value:.3f}")
    best = min(found, key=lambda load: found[load].estimate)
    print(f"nearest to what was observed: {best}")


if __name__ == "__main__":
    main()
