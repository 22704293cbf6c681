"""A file is there whole or not at all, with the permissions that its writer asks for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tui.common import write_atomic as module
from tui.common.write_atomic import write_atomic


@pytest.mark.parametrize(
    ("umask", "mode", "found"),
    [(0o022, None, 0o644), (0o077, None, 0o600), (0o022, 0o600, 0o600), (0o077, 0o755, 0o755)],
)
def test_permissions_are_the_callers_or_what_the_umask_leaves(
    tmp_path: Path, umask: int, mode: int | None, found: int
) -> None:
    before = os.umask(umask)
    try:
        write_atomic(tmp_path / "file", "text", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == found


@pytest.mark.parametrize("sync", [True, False])
def test_the_content_is_replaced_and_nothing_stays_beside_it(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    write_atomic(path, b"\xff\x00", sync=sync)
    assert path.read_bytes() == b"\xff\x00"
    write_atomic(path, "grün\n", sync=sync)
    assert path.read_bytes() == "grün\n".encode()
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_what_cannot_take_the_place_leaves_no_half(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "folder", "text")
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


def test_a_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/plan.yml").write_text("before")
    (tmp_path / "there/plan.yml").chmod(0o600)
    (tmp_path / "plan.yml").symlink_to("there/plan.yml")
    write_atomic(tmp_path / "plan.yml", "after")
    assert (tmp_path / "plan.yml").is_symlink() and (tmp_path / "there/plan.yml").read_text() == "after"
    assert stat.S_IMODE((tmp_path / "there/plan.yml").stat().st_mode) == 0o600


@pytest.mark.parametrize("link", [True, False])
def test_what_others_have_put_in_place_of_the_temporary_file_is_neither_written_nor_kept_for_it(
    tmp_path: Path, link: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (tmp_path / "theirs").write_text("theirs")
    names = iter([b"guessed", b"other"])
    monkeypatch.setattr(module.os, "urandom", lambda length: next(names))
    trap = folder / f".file.{b'guessed'.hex()}.new"
    if link:
        trap.symlink_to(tmp_path / "theirs")
    else:
        trap.write_text("theirs")
    with pytest.raises(FileExistsError):
        write_atomic(folder / "file", "text")
    assert trap.read_text() == (tmp_path / "theirs").read_text() == "theirs"
    assert not (folder / "file").exists()
    write_atomic(folder / "file", "text")
    assert (folder / "file").read_text() == "text"


def test_the_name_of_the_temporary_file_cannot_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    original = os.open
    monkeypatch.setattr(module.os, "open", lambda path, *more: opened.append(Path(path).name) or original(path, *more))
    for _ in range(2):
        write_atomic(tmp_path / "file", "text", sync=False)
    assert len(set(opened)) == 2 and all(len(name) > len(".file..new") + 15 for name in opened)
