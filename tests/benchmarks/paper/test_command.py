"""The command runs what is missing, writes tables and pictures, and publishes them."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from benchmarks.paper import __main__ as command
from benchmarks.paper.catalog import EXPERIMENTS
from benchmarks.paper.reports import publish
from benchmarks.paper.trials import Report, Settings

ROOT = Path(__file__).parents[3]


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(
        "sys.argv", ["paper", *arguments, "--out", str(folder), "--jobs", "1"]
    )
    with pytest.raises(SystemExit) as ended:
        command.main()
    return ended.value.code


def test_runs_once_then_reports_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch, "universality") == 0
    first = capsys.readouterr()
    assert run(tmp_path, monkeypatch, "universality") == 0
    second = capsys.readouterr()
    assert "0 of 3 trials are there already" in first.err
    assert "3 of 3 trials are there already" in second.err
    assert first.out.splitlines()[:-1] == second.out.splitlines()[:-1]
    written = {path.name for path in (tmp_path / "quick").iterdir()}
    assert {"universality.png", "universality-exact.md"} <= written


def test_an_unknown_experiment_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch, "alchemy") == 2
    assert "received alchemy" in capsys.readouterr().err


def test_publishing_puts_tables_between_their_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- some -->\nold\n<!-- /some -->\nafter\n")
    publish(Report({"some": "| a\\b |\n", "other": "| c |\n"}), page, tmp_path)
    assert page.read_text() == (
        "before\n<!-- some -->\n\n| a\\b |\n\n<!-- /some -->\nafter\n"
    )


def test_publishing_leaves_pictures_that_the_page_does_not_show(tmp_path: Path) -> None:
    page, images = tmp_path / "page.md", tmp_path / "images"
    page.write_text("![a curve](images/curve.png)\n")
    publish(Report({}, {"curve": Figure(), "other": Figure()}), page, images)
    assert [path.name for path in images.iterdir()] == ["curve.png"]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("data_dir", [None, "mnist"])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_trials_have_names_of_their_own(
    name: str, full: bool, data_dir: str | None
) -> None:
    trials = EXPERIMENTS[name].trials(Settings(full=full, data_dir=data_dir))
    names = [trial.name for trial in trials]
    assert len(set(names)) == len(names) > 0
    # The name is that of a file, whose suffix is replaced.
    assert not any("." in name or "/" in name for name in names)


def test_the_page_names_every_experiment() -> None:
    page = (ROOT / "docs" / "paper.md").read_text()
    missing = [n for n in EXPERIMENTS if f"python -m benchmarks.paper {n}" not in page]
    assert missing == []
