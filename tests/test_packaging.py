"""The wheel in an empty environment, in a folder with the user's own `models`."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
OWN_FILES = {
    "models/__init__.py": "MINE = True\n",
    "estimator.py": "raise RuntimeError('the estimator of the user')\n",
    "service/__init__.py": "raise RuntimeError('the service of the user')\n",
}
PROGRAM = """
import json, sys
import numpy as np
import models
import kantor
from kantor import EstimateConfig, KantorClient, estimate_w1
from kantor.models import cones
assert models.MINE
assert "torch" in sys.modules
x = np.random.default_rng(0).normal(size=(2, 200, 2))
found = estimate_w1(x[0], x[1] + 3.0, EstimateConfig(effort="quick", steps=25))
print(json.dumps([kantor.__file__, found.lower_bound > 0.0]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True)
    [path] = folder.glob("kantor-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an environment with the wheel in it.

    What Kantor depends on is lent by this environment: a line in a .pth file adds a
    folder to the path, and reads no .pth file (as of a development install) in there.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    options = ["--no-deps", "--no-index", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *options]
    subprocess.run([*pip, str(wheel)], check=True)
    [packages] = folder.glob("lib/python3.*/site-packages")
    lent = Path(np.__file__).parents[1]
    (packages / "lent.pth").write_text(f"{lent}\n")
    return python.parent


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    for name, text in OWN_FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(200, 2)))
    np.savetxt(tmp_path / "y.csv", rng.normal(size=(200, 2)) + 3.0, delimiter=",")
    (tmp_path / "c.json").write_text('{"effort": "quick", "steps": 25}')
    return tmp_path


def run(folder: Path, *command: str | Path) -> str:
    """Run a command in a folder that is on the path itself; return what it prints."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_the_wheel_has_one_package_with_all_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kantor"}
    sources = [
        path
        for part in ("models", "estimator", "service")
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    expected = {f"kantor/{path.relative_to(ROOT)}" for path in sources}
    assert expected | {"kantor/py.typed", "kantor/__init__.py"} <= names


def test_the_command_estimates_beside_modules_of_the_same_names(
    environment: Path, own_folder: Path
) -> None:
    command = environment / "kantor"
    files = ("x.npy", "y.csv", "--config", "c.json", "--json")
    document = json.loads(run(own_folder, command, "estimate", *files))
    assert document["lower_bound"] > 0.0


def test_a_program_uses_kantor_beside_its_own_models(
    environment: Path, own_folder: Path
) -> None:
    (own_folder / "program.py").write_text(PROGRAM)
    told = run(own_folder, environment / "python", "program.py")
    where, differs = json.loads(told)
    assert Path(where).is_relative_to(environment.parent)
    assert differs
