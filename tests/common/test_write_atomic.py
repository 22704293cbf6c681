"""A file is there whole or not at all, with the permissions that its writer asks for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

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
