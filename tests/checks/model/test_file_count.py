"""Counting a model's files: what is named, which counts are kept, and what a folder that cannot be read leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.checks.model import file_count
from tui.checks.model.file_count import Figures


@pytest.fixture(autouse=True)
def none_kept() -> None:
    file_count.stop_all()


def files(folder: Path, number: int, suffix: str = "bin") -> Path:
    folder.mkdir(exist_ok=True)
    for index in range(number):
        (folder / f"{index}.{suffix}").write_text("123")
    return folder


@pytest.mark.parametrize(("excluded", "named"), [(0, 0), (7, 7), (8, 8), (9, 8)])
def test_eight_excluded_files_are_named_and_all_are_counted(tmp_path: Path, excluded: int, named: int) -> None:
    files(files(tmp_path, excluded, "log"), 2)
    (tmp_path / ".amlignore").write_text("*.log\n")
    found = file_count.count(tmp_path, Figures())
    assert (found.files, found.bytes, found.complete, found.ignore_file) == (3, 12, True, ".amlignore")
    assert (found.left_out, found.left_out_bytes, len(found.left_out_names)) == (excluded, 3 * excluded, named)


def test_excluded_files_of_subfolders_are_named_with_their_folder(tmp_path: Path) -> None:
    (files(tmp_path, 1) / "logs").mkdir()
    files(tmp_path / "logs", 1, "log")
    (tmp_path / ".amlignore").write_text("logs/\n")
    assert file_count.count(tmp_path, Figures()).left_out_names == ["logs/0.log"]


def test_a_folder_that_is_gone_is_complete_and_named(tmp_path: Path) -> None:
    found = file_count.count(tmp_path / "gone", Figures())
    assert (found.files, found.complete) == (0, True)
    assert [str(tmp_path / "gone") in one for one in found.unreadable] == [True]


@pytest.mark.parametrize("target", ["loop", "gone"])
def test_a_link_that_leads_nowhere_is_refused_by_its_path(tmp_path: Path, target: str) -> None:
    (tmp_path / "loop").symlink_to(target)
    refused = file_count.count(tmp_path, Figures()).refused
    assert [one.split(" is ")[0] for one in refused] == [str(tmp_path / "loop")] and "does not exist" in refused[0]


def test_a_single_file_counts_as_one_and_nothing_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_text("12345")
    one = file_count.running(tmp_path / "model.bin", wait=10)
    assert (one["files"], one["bytes"], one["complete"], one["ended"]) == (1, 5, True, True)
    gone = file_count.running(tmp_path / "gone", wait=10)
    assert (gone["files"], gone["complete"], gone["ended"]) == (0, False, True)


def test_four_counts_are_kept_and_the_one_that_was_not_asked_for_longest_goes(tmp_path: Path) -> None:
    folders = [files(tmp_path / name, 1) for name in "abcde"]
    for folder in folders[:4]:
        file_count.running(folder, wait=10)
    file_count.running(folders[0], wait=10)  # asked for again, so b is now the oldest
    file_count.running(folders[4], wait=10)
    for folder in folders:
        (folder / "new.bin").write_text("1")
    # Those that are kept still give the old figure.
    assert [file_count.running(folders[index], wait=10)["files"] for index in (0, 2, 3, 4)] == [1, 1, 1, 1]
    assert file_count.running(folders[1], wait=10)["files"] == 2


@pytest.mark.parametrize(("age", "files_found"), [(0.0, 1), (59.0, 1), (61.0, 2)])
def test_a_finished_count_is_believed_for_a_minute(tmp_path: Path, age: float, files_found: int) -> None:
    folder = files(tmp_path / "model", 1)
    file_count.running(folder, wait=10)
    file_count._counts[str(folder)].began -= age
    (folder / "new.bin").write_text("1")
    assert file_count.running(folder, wait=10)["files"] == files_found


def test_a_count_under_way_is_not_begun_again_however_old_and_a_fresh_one_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_count.Counting, "_run", lambda self: None)  # never ends
    file_count.running(tmp_path, wait=0)
    first = file_count._counts[str(tmp_path)]
    first.began -= 3600
    told = file_count.running(tmp_path, wait=0)
    assert file_count._counts[str(tmp_path)] is first and not told["ended"] and told["seconds"] >= 3600
    file_count.running(tmp_path, wait=0, fresh=True)
    assert file_count._counts[str(tmp_path)] is not first and first._stopped
    second = file_count._counts[str(tmp_path)]
    file_count.stop_all()
    assert second._stopped and not file_count._counts
