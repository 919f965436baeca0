import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.errors import InputError
from novacula.files import contained, refuse_links


@pytest.mark.parametrize("name", ["a", "a/b.txt", "./a", "a/../b", "..a", "a b", "ä"])
def test_names_inside_are_resolved(tmp_path: Path, name: str) -> None:
    assert contained(tmp_path, name) == Path(os.path.normpath(tmp_path.resolve() / name))


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/../../b", "/etc/passwd", "a\0b", "x" * 5000, "a/.."])
def test_names_that_leave_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        contained(tmp_path, name)


def test_no_part_below_the_folder_may_be_a_link(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "out").symlink_to(outside)
    (inside / "absolute").symlink_to("/etc/passwd")
    (inside / "loop").symlink_to("loop")
    (inside / "in").symlink_to("real")
    (inside / "dangling").symlink_to(tmp_path / "absent")
    for name in ("out", "out/a", "absolute", "loop/a", "in", "dangling"):
        with pytest.raises(InputError, match="is a link"):
            contained(inside, name)
    with pytest.raises(InputError, match="is a link"):
        refuse_links(inside)
    refuse_links(outside)


def test_a_folder_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert contained(tmp_path / "link", "a") == tmp_path.resolve() / "real" / "a"


@given(st.text())
def test_no_name_leaves(name: str) -> None:
    try:
        path = contained("/srv/x", name)
    except InputError:
        return
    assert path.is_relative_to("/srv/x") and ".." not in path.parts
