"""How many compute threads work, and that idle ones sleep instead of spin.

OpenMP's threads wait for one another actively by default. On a machine whose cores are
shared, by other workers or the API, a spinning thread takes the core that the awaited
one needs: two threads were measured 5 to 10 times slower than one. Sleeping costs
little where cores are free.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def sleep_when_idle() -> None:
    """Choose the passive wait policy; before torch is loaded, or it has no effect.

    A policy that the environment sets already is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Compute in the calling thread alone; afterwards torch has its threads again.

    To wake others for small arrays takes longer than what they do: a translation, 2,000
    samples of 8 features, took 2.0 to 2.6 s with two threads and takes 1.1 to 1.3 (the
    threads of NumPy's products stay). In any thread but the main one nothing changes:
    the number is the whole process's, and others may be computing.
    """
    import torch

    before = torch.get_num_threads()
    if before == 1 or threading.current_thread() is not threading.main_thread():
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
