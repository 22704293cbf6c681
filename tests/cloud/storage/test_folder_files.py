"""Which files are uploaded, and the hash by which content is found again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.storage.folder_files import content_hash, walk


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "data" / "inner").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "data" / "model.bin").write_bytes(b"\x00" * 3000)
    (folder / "data" / "inner" / "notes.txt").write_text("n")
    (folder / "empty").write_bytes(b"")
    return folder


def names(folder: Path) -> list[str]:
    return [file.name for file in walk(folder)]


def test_all_files_with_sizes_in_order(model: Path) -> None:
    assert [(file.name, file.size) for file in walk(model)] == [
        ("MLmodel", 12),
        ("data/inner/notes.txt", 1),
        ("data/model.bin", 3000),
        ("empty", 0),
    ]


def test_a_single_file(model: Path) -> None:
    assert names(model / "MLmodel") == ["MLmodel"]


def test_amlignore_wins_over_gitignore(model: Path) -> None:
    (model / ".gitignore").write_text("*.bin\n")
    assert "data/model.bin" not in names(model)
    (model / ".amlignore").write_text("# comment\ndata/inner/\n!data/inner/never.txt\n")
    assert "data/model.bin" in names(model)
    assert "data/inner/notes.txt" not in names(model)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"ok\n\n!\n", "line 3 of .amlignore is not a pattern: !"), (b"a\\\n", "line 1"), (b"\xff\xfe", "decode")],
)
def test_an_ignore_file_that_the_sdk_would_refuse_is_said(model: Path, content: bytes, said: str) -> None:
    (model / ".amlignore").write_bytes(content)
    with pytest.raises(CloudError, match="ignore file") as refused:
        walk(model)
    assert said in refused.value.cause and str(model) in refused.value.cause


def test_an_ignore_file_does_not_load_the_sdk(model: Path) -> None:
    (model / ".amlignore").write_text("*.bin\n")
    code = (
        "import sys; from pathlib import Path; from tui.cloud.storage.folder_files import walk; "
        "walk(Path(sys.argv[1])); print('azure.ai.ml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_link_to_a_folder_above_ends(model: Path) -> None:
    (model / "data" / "loop").symlink_to(model)
    assert "data/loop/MLmodel" not in names(model)
    assert "MLmodel" in names(model)


def test_links_that_leave_the_folder_are_not_followed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    for target in (tmp_path / "secret", tmp_path, "/etc"):
        (model / "out").symlink_to(target)
        with pytest.raises(CloudError) as refused:
            walk(model)
        assert f"{model}/out is a link to {target}" in refused.value.cause
        (model / "out").unlink()


def test_links_from_folder_to_folder_end(tmp_path: Path) -> None:
    for one in range(9):
        (tmp_path / f"m/{one}").mkdir(parents=True)
        for other in range(9):
            (tmp_path / f"m/{one}/to{other}").symlink_to(f"../{other}")
    with pytest.raises(CloudError, match="more than 100 links"):
        walk(tmp_path / "m")


def test_nothing_to_upload_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CloudError, match="nothing to upload"):
        walk(tmp_path / "empty")
    with pytest.raises(CloudError, match="does not exist"):
        walk(tmp_path / "absent")


def test_hash_follows_content_names_and_the_folder_name(model: Path, tmp_path: Path) -> None:
    first = content_hash(model)
    assert first == content_hash(model)
    moved = tmp_path / "elsewhere" / "model"
    moved.parent.mkdir()
    model.rename(moved)
    assert content_hash(moved) == first
    assert content_hash(moved.rename(tmp_path / "other")) != first
    other = tmp_path / "other"
    before = content_hash(other)
    (other / "empty").rename(other / "blank")
    assert content_hash(other) != before
    (other / "blank").rename(other / "empty")
    assert content_hash(other) == before
    (other / "empty").write_bytes(b"1")
    assert content_hash(other) != before


def test_ignored_files_do_not_count(model: Path) -> None:
    (model / ".amlignore").write_text("*.log\n")
    before = content_hash(model)
    (model / "train.log").write_text("lines")
    assert content_hash(model) == before


def test_hashing_can_be_cancelled(model: Path) -> None:
    with pytest.raises(Cancelled):
        content_hash(model, cancelled=lambda: True)


def test_hashing_tells_how_far_it_is(model: Path) -> None:
    seen: list[tuple[int, int]] = []
    content_hash(model, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3013, 3013)


def nested(folder: Path, length: int) -> Path:
    """A folder so far below another that its whole path has this many characters."""
    below = os.open(folder, os.O_RDONLY)
    while len(str(folder)) < length:
        left = length - len(str(folder)) - 1
        name = "n" * (left if left <= 200 else min(200, left - 2))
        os.mkdir(name, dir_fd=below)
        inner, folder = os.open(name, os.O_RDONLY, dir_fd=below), folder / name
        os.close(below)
        below = inner
    os.close(below)
    return folder


def test_a_folder_that_cannot_be_read_is_not_left_out(tmp_path: Path) -> None:
    """Here because its path is too long, so that not even root can; one without permission is the same."""
    root = nested(tmp_path, 3800)
    nested(root, 4400)
    with pytest.raises(CloudError, match="cannot be read") as refused:
        walk(root)
    assert "File name too long" in refused.value.cause


def test_names_that_are_too_long_for_storage_are_refused(model: Path) -> None:
    """A blob's name has at most 1,024 characters, with the place to which the folder is uploaded."""
    longest = 1024 - len(f"aml-deploy/{'0' * 32}-999/model/")
    at = nested(model, len(str(model)) + 1 + longest - 2)
    (at / "a").touch()
    assert max(map(len, names(model))) == longest
    (at / "aa").touch()
    with pytest.raises(CloudError, match="cannot be uploaded") as refused:
        walk(model)
    assert f"more than {longest} characters" in refused.value.cause
