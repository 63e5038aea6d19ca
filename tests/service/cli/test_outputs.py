from pathlib import Path

import pytest
import typer

from kantor.service.cli.outputs import (
    FAILED,
    Unwritable,
    check_file,
    check_folder,
    judge,
)


def test_a_folder_is_made_where_it_can_be(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    check_folder(None)


def test_a_file_in_the_way_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(Unwritable, match="--out"):
        check_folder(tmp_path / "a" / "b")


def test_looking_at_a_file_leaves_nothing(tmp_path: Path) -> None:
    check_file(tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unwritable, match="--html"):
        check_file(tmp_path / "none" / "r.html")


@pytest.mark.parametrize(
    ("bound", "threshold", "fails"),
    [
        (0.5, None, False),
        (0.5, 0.5, False),
        (0.5, 0.4, True),
        (0.0, 0.0, False),
        (-0.1, 0.0, False),
    ],
)
def test_only_a_bound_above_the_threshold_fails(
    bound: float, threshold: float | None, fails: bool
) -> None:
    if not fails:
        judge({"lower_bound": bound}, threshold)
        return
    with pytest.raises(typer.Exit) as ended:
        judge({"lower_bound": bound}, threshold)
    assert ended.value.exit_code == FAILED == 3
