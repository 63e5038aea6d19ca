"""What a reader of results needs works where torch, SciPy and POT are not installed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kantor.estimator.critics import FITTED, TRAINED
from kantor.estimator.evidence.certified import EvaluatedCritic
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.witness.document import CriticFile, score

BLOCKED = "import sys; sys.modules.update(torch=None, scipy=None, ot=None)\n"

IMPORTED = [
    "kantor",
    "kantor.estimator",
    "kantor.estimator.cautions",
    "kantor.estimator.critics",
    "kantor.estimator.recipe",
    "kantor.estimator.samples.folds",
    "kantor.estimator.streams",
    "kantor.estimator.witness.differences",
    "kantor.models.vocabulary",
]


def blocked(program: str, *arguments: str) -> str:
    """Run a program in a process that can import none of the three."""
    run = subprocess.run(
        [sys.executable, "-c", BLOCKED + program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_nothing_that_is_read_imports_them() -> None:
    imports = "\n".join(f"import {name}" for name in IMPORTED)
    assert blocked(f"{imports}\nprint('loaded')") == "loaded"


def test_settings_and_results_are_plain_values() -> None:
    program = (
        "from kantor import Estimate, EstimateConfig, KantorClient\n"
        "config = EstimateConfig(width=64)\n"
        "print(EstimateConfig.from_dict(config.to_dict()) == config)"
    )
    assert blocked(program) == "True"


@pytest.mark.parametrize("name", [family.name for family in (*TRAINED, *FITTED)])
def test_a_critics_document_scores_samples(
    name: str, critic_of: Callable[..., EvaluatedCritic], tmp_path: Path
) -> None:
    scaler = Scaler(center=np.ones(3), deviation=np.ones(3), unit=2.0)
    critic = critic_of(name)
    document = CriticFile(
        name, critic.potential(), scaler, -1.0, 1.0, critic.lipschitz_bound
    ).to_bytes()
    samples = np.random.default_rng(0).normal(size=(20, 3))
    (tmp_path / "critic").write_bytes(document)
    np.save(tmp_path / "samples.npy", samples)
    program = (
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from kantor.estimator.witness.document import score\n"
        "folder = Path(sys.argv[1])\n"
        "samples = np.load(folder / 'samples.npy')\n"
        "scores = score((folder / 'critic').read_bytes(), samples)\n"
        "np.save(folder / 'scores.npy', scores)"
    )
    blocked(program, str(tmp_path))
    scores = np.load(tmp_path / "scores.npy")
    np.testing.assert_array_equal(scores, score(document, samples))
