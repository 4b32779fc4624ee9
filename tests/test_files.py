"""Files are written whole or not at all; `tests/test_weights.py` has a process killed while it writes."""

import os

import pytest

from mrcnn.files import CannotWrite, check_folder, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_new_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and names(tmp_path) == ["a.txt"]


def test_what_killed_processes_left_is_swept_away(tmp_path):
    old, new = tmp_path / ".b.0123abcd.part.txt", tmp_path / ".b.4567cdef.part.txt"
    others = tmp_path / ".b.part.txt", tmp_path / "b.0123abcd.part.txt"
    for path in (old, new, *others):
        path.write_text("half")
    for path in (old, *others):
        os.utime(path, (1, 1))
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert set(names(tmp_path)) == {"a.txt", new.name, *(path.name for path in others)}


def test_what_cannot_be_written_whole_is_not_written(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(CannotWrite, match="a.txt.*No space.*untouched"), replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_another_error_leaves_nothing_and_stays_what_it_is(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text(str(1 / 0))
    assert names(tmp_path) == []


def test_a_missing_folder_is_made_when_asked(tmp_path):
    path = tmp_path / "deep" / "er" / "a.txt"
    with pytest.raises(CannotWrite, match="No such file"), replacing(path) as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == []
    with replacing(path, make_folder=True) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_a_folder_is_not_replaced(tmp_path):
    with pytest.raises(CannotWrite, match="it is a folder"), replacing(tmp_path):
        pass
    assert tmp_path.is_dir()


def test_a_folder_that_takes_no_files_is_told_of(tmp_path):
    check_folder(tmp_path / "new", make=True)
    check_folder(tmp_path / "new")
    assert names(tmp_path) == ["new"] and names(tmp_path / "new") == []
    with pytest.raises(CannotWrite, match="/proc cannot be written.*another folder"):
        check_folder("/proc")
    with pytest.raises(CannotWrite, match="missing"):
        check_folder(tmp_path / "missing")
