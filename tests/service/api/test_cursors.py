from pathlib import Path

import pytest

from kantor.service.api.cursors import Cursors
from kantor.service.api.errors import InvalidRequest


def test_a_cursor_leads_back_to_its_place(tmp_path: Path) -> None:
    cursors = Cursors(tmp_path)
    assert cursors.read("ann", cursors.write("ann", 42)) == 42


def test_processes_share_a_key_that_only_they_can_read(tmp_path: Path) -> None:
    written = Cursors(tmp_path).write("ann", 7)
    assert Cursors(tmp_path).read("ann", written) == 7
    key = tmp_path / "cursor.key"
    assert key.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == [key.name]


@pytest.mark.parametrize("wrong", ["", "AAAA", "4", "ä", "=" * 30])
def test_what_was_not_written_here_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(InvalidRequest, match="next_cursor") as refused:
        Cursors(tmp_path).read("ann", wrong)
    assert refused.value.errors[0].parameter == "cursor"


def test_the_cursor_of_another_owner_is_refused(tmp_path: Path) -> None:
    cursors = Cursors(tmp_path)
    with pytest.raises(InvalidRequest):
        cursors.read("bob", cursors.write("ann", 42))
