"""`kantor estimate` as a user runs it: a process, its streams and its exit code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pytest

CONTRACT = {
    *("estimate", "standard_error", "lower_bound", "confidence", "bound_method"),
    *("p_value", "sample_lower_bound", "sample_upper_bound", "certificate", "curve"),
    *("stop_reason", "steps", "elapsed_s", "n_source", "n_target", "dim", "seed"),
    *("device", "config", "versions", "warnings"),
}


def kantor(
    *arguments: object, stdin: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kantor.service.cli", *map(str, arguments)]
    return subprocess.run(
        command, stdin=stdin, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, rng = tmp_path_factory.mktemp("samples"), np.random.default_rng(0)
    x, y = rng.normal(size=(2, 300, 2))
    np.save(folder / "x.npy", x)
    np.savetxt(folder / "y.csv", y + 2.0, delimiter=",")
    np.save(folder / "three.npy", rng.normal(size=(100, 3)))
    np.save(folder / "nan.npy", np.where(x > 2.5, np.nan, x))
    np.save(folder / "objects.npy", np.array([[{}]] * 50), allow_pickle=True)
    np.savetxt(folder / "w.csv", np.repeat([1.0, 0.0], 150))
    np.save(folder / "short.npy", np.ones(10))
    np.save(folder / "negative.npy", np.full(300, -1.0))
    (folder / "config.toml").write_text('effort = "quick"\nsteps = 25\nseed = 3\n')
    return {path.name: path for path in folder.iterdir()}


def test_json_is_alone_on_stdout_with_the_contract(files: dict[str, Path]) -> None:
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--json",
        "--config", files["config.toml"],
    )  # fmt: skip
    document = json.loads(run.stdout)
    assert run.returncode == 0
    assert set(document) >= CONTRACT
    assert document["seed"] == 3
    assert document["config"]["steps"] == 25


def test_options_override_the_file(files: dict[str, Path]) -> None:
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--json", "--seed", 9,
        "--config", files["config.toml"], "--confidence", 0.8, "--method", "student",
    )  # fmt: skip
    document = json.loads(run.stdout)
    assert (document["seed"], document["confidence"]) == (9, 0.8)
    assert document["bound_method"] == "student"


def test_result_and_files_for_a_person(files: dict[str, Path], tmp_path: Path) -> None:
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--out", tmp_path / "out",
        "--config", files["config.toml"],
    )  # fmt: skip
    assert "The distributions differ" in run.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("result.json", "curve.csv", "curve.png", "critic.safetensors"),
        *("source_witness.npy", "target_witness.npy", "witness.png"),
    }
    for name in ("curve.png", "witness.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_the_witness_holds_each_samples_potential(
    files: dict[str, Path], tmp_path: Path
) -> None:
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--out", tmp_path, "--json",
        "--config", files["config.toml"],
    )  # fmt: skip
    witness = np.load(tmp_path / "source_witness.npy")
    extremes = json.loads(run.stdout)["differences"]["source_extremes"]
    assert witness.shape == (300,)
    values = [item["value"] for item in extremes]
    # torch and numpy agree up to rounding
    np.testing.assert_allclose(witness[[e["row"] for e in extremes]], values, atol=1e-6)
    assert values[0] >= witness.max() - 1e-6


def test_a_person_reads_where_the_samples_differ(files: dict[str, Path]) -> None:
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--config", files["config.toml"]
    )
    assert "leading features" in run.stdout
    assert "most typical rows" in run.stdout


def test_weights_take_samples_away(files: dict[str, Path]) -> None:
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--json",
        "--config", files["config.toml"], "--source-weights", files["w.csv"],
    )  # fmt: skip
    document = json.loads(run.stdout)
    assert any("source's weights left" in warning for warning in document["warnings"])
    halves = document["differences"]["source_extremes"]
    assert all(item["row"] < 150 for item in halves)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ("three.npy", "expected one column, got an array of shape (100, 3)"),
        ("short.npy", "expected 300 numbers, one per sample, got dtype float64"),
        ("negative.npy", "expected finite weights >= 0, got -1.0 at row 0"),
        ("none.npy", "expected a file, found none"),
    ],
)
def test_bad_weights_name_the_side(
    files: dict[str, Path], weights: str, reason: str
) -> None:
    path = files.get(weights, Path(weights))
    run = kantor("estimate", files["x.npy"], files["y.csv"], "--target-weights", path)
    assert run.returncode == 2
    assert "target_weights: " in run.stderr
    assert reason in " ".join(run.stderr.split())


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("x.npy", "three.npy", "target: expected dimension 2 as in source, got 3"),
        ("nan.npy", "y.csv", "source: expected finite numbers, got nan at row"),
        ("objects.npy", "y.csv", "source: "),
        ("x.npy", "none.npy", "target: "),
        ("x.npy", "config.toml", "target: "),
    ],
)
def test_bad_files_end_with_2_and_one_line(
    files: dict[str, Path], source: str, target: str, reason: str
) -> None:
    paths = [files.get(name, Path(name)) for name in (source, target)]
    run = kantor("estimate", *paths)
    assert run.returncode == 2
    assert run.stdout == ""
    assert reason in run.stderr
    assert "Traceback" not in run.stderr


def test_bad_settings_name_the_field(files: dict[str, Path]) -> None:
    run = kantor("estimate", files["x.npy"], files["y.csv"], "--effort", "x", "--json")
    assert run.returncode == 2
    assert json.loads(run.stderr)["field"] == "effort"


def test_a_word_that_is_no_choice_names_the_option(files: dict[str, Path]) -> None:
    run = kantor("estimate", files["x.npy"], files["y.csv"], "--norm", "l3")
    assert run.returncode == 2
    assert "'--norm'" in run.stderr
    assert "kantor estimate -h" in run.stderr


def test_a_side_may_come_from_stdin(files: dict[str, Path]) -> None:
    command = ("estimate", "-", files["x.npy"], "--json")
    with files["y.csv"].open("rb") as given:
        run = kantor(*command, "--config", files["config.toml"], stdin=given)
    assert json.loads(run.stdout)["n_source"] == 300


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--fail-if-different",), 3),
        (("--fail-above", "0.5"), 3),
        (("--fail-above", "100"), 0),
    ],
)
def test_a_pipeline_stops_at_a_difference(
    files: dict[str, Path], options: tuple[str, ...], code: int
) -> None:
    config = ("--config", files["config.toml"])
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--json", *config, *options
    )
    assert run.returncode == code
    assert json.loads(run.stdout)["lower_bound"] > 0.5
    assert ("failed: the lower bound" in run.stderr) == (code == 3)


def test_a_report_is_written(files: dict[str, Path], tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    run = kantor(
        "estimate", files["x.npy"], files["y.csv"], "--html", report, "--plot",
        "--config", files["config.toml"],
    )  # fmt: skip
    assert "x.npy against" in report.read_text("utf-8")
    assert "(critic)" in run.stdout


@pytest.mark.parametrize("option", ["--out", "--html"])
def test_a_place_that_cannot_be_written_is_told_before_training(
    files: dict[str, Path], option: str
) -> None:
    place = files["x.npy"] / "below-a-file"
    run = kantor("estimate", files["x.npy"], files["nan.npy"], option, place)
    assert run.returncode == 2
    assert f"{option} {place}" in run.stderr.replace("\n", "")
    assert "nan" not in run.stderr.replace("nan.npy", "")


def test_an_old_report_is_not_lost_to_a_check(
    files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "r.html").write_text("old")
    kantor("estimate", files["x.npy"], files["nan.npy"], "--html", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text() == "old"


def test_start_up_does_not_load_torch() -> None:
    code = "import sys, kantor.service.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def pandas_tables(folder: Path, form: str, *, shift: float, start: int) -> list[Path]:
    """Write two tables as pandas does, with the row index as a first column."""
    rng, paths = np.random.default_rng(0), []
    for name, offset, first in (("train", 0.0, 0), ("test", shift, start)):
        values = rng.normal(size=(2000, 8))
        values[:, :4] += offset
        frame = pd.DataFrame(values, columns=[f"f{j}" for j in range(8)])
        frame = frame.set_index(pd.Index(np.arange(first, first + 2000)))
        paths.append(folder / f"{name}.{form}")
        if form == "csv":
            frame.to_csv(paths[-1])
        else:
            frame.sample(frac=1.0, random_state=0).to_parquet(paths[-1])
    return paths


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(("shift", "start"), [(1.0, 0), (0.0, 2000)])
def test_the_index_of_pandas_decides_nothing(
    tmp_path: Path, form: str, shift: float, start: int
) -> None:
    source, target = pandas_tables(tmp_path, form, shift=shift, start=start)
    config = tmp_path / "config.json"
    config.write_text('{"effort": "quick", "sample_bounds": false}')
    run = kantor("estimate", source, target, "--json", "--config", config)
    document = json.loads(run.stdout)
    assert "was left out: it is named like an index" in document["warnings"][0]
    if shift:
        assert 1.8 <= document["lower_bound"] <= 2.0
    else:
        assert document["p_value"] > 0.05
        assert document["lower_bound"] <= 0.0


def test_a_person_reads_of_columns_by_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shift in (("a", 0.0), ("b", 20.0)):
        age, city = (
            rng.normal(40.0 + shift, 10.0, 300),
            rng.choice(["Ulm", "Köln"], 300),
        )
        rows = "\n".join(
            f"{a:.3f};{c};x{i}" for i, (a, c) in enumerate(zip(age, city, strict=True))
        )
        text = f"age;city;note\n{rows}\n".replace(".", ",")
        (tmp_path / f"{name}.csv").write_text(text, "cp1252")
    files = tmp_path / "a.csv", tmp_path / "b.csv"
    quick = ("--effort", "quick", "--encoding", "cp1252", "--decimal", ",")
    run = kantor("estimate", *files, *quick)
    assert run.returncode == 2
    assert "'note'" in run.stderr
    run = kantor(
        "estimate", *files, *quick, "--drop", "note", "--scaling", "standardize"
    )
    assert run.stdout.startswith("warning: Columns were standardized")
    assert "each column by itself" in run.stdout
    assert "city" in run.stdout
    assert "source row" in run.stdout
