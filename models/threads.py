"""Let idle compute threads sleep instead of spin.

OpenMP's threads wait for one another actively by default. On a machine whose cores are
shared, by other workers or the API, a spinning thread takes the core that the awaited
one needs: two threads were measured 5 to 10 times slower than one. Sleeping costs
little where cores are free.
"""

import os


def sleep_when_idle() -> None:
    """Choose the passive wait policy; before torch is loaded, or it has no effect.

    A policy that the environment sets already is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
