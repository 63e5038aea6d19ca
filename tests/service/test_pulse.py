import os
import subprocess
import sys

from kantor.service.pulse import Pulse, State


def test_a_page_begins_silent() -> None:
    page = Pulse()
    assert (page.state, page.beats) == (State.STARTING, 0)
    assert page.silent_s > 1.0


def test_another_process_writes_in_the_page() -> None:
    page = Pulse()
    program = (
        "import sys; from kantor.service.pulse import Pulse, State\n"
        "page = Pulse(int(sys.argv[1]))\n"
        "page.enter(State.TRAINING); page.beat(); page.hear()\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(page.fd)],
        pass_fds=[page.fd],
        check=True,
        env=os.environ,
    )
    assert (page.state, page.beats) == (State.TRAINING, 2)
    assert 0 <= page.silent_s < 5.0


def test_a_page_is_reset_for_another_process() -> None:
    page = Pulse()
    page.enter(State.IDLE)
    page.hear()
    page.reset()
    assert (page.state, page.beats) == (State.STARTING, 0)
