"""The primal side: upper bounds on W1 between the given samples.

Any plan G >= 0 whose marginals are the weights a and b of the samples is a coupling,
and its cost sum_ij G_ij |x_i - y_j| is at least W1 between them. So nothing needs to be
trusted but that the plan is feasible, which is enforced where the cost is taken.

    bound.py       the front door: which of the ways below, and what it says of itself
    line.py        d = 1: exact, by sorting
    exact.py       few pairs: exact, by assignment or network simplex
    potentials.py  near the best dual potentials, to start the assignment from
    bisection.py   any size: a coupling by cutting both samples at equal masses
    repairing.py   any size: exact transport within blocks of a coupling
    plan.py        sparse plans, their feasibility and their cost
    clouds.py      weighted samples, read a few rows at a time
"""

from kantor.estimator.primal.bound import UpperBound, upper_bound
from kantor.estimator.primal.clouds import Cloud

__all__ = ["Cloud", "UpperBound", "upper_bound"]
