"""Which files the lines of an ignore file exclude, by azure-ai-ml's reading of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.cloud.storage.ignore_file import ignore_file, ignored_files


@pytest.mark.parametrize(
    ("rules", "file", "ignored"),
    [
        ("*.log", "a.log", True), ("*.log", "sub/a.log", True), ("*.log", "a.txt", False),
        ("*.log\n!keep.log", "keep.log", False), ("!keep.log\n*.log", "keep.log", True),
        ("/a.txt", "a.txt", True), ("/a.txt", "sub/a.txt", False),
        ("build/", "build/x", True), ("build/", "sub/build/x", True), ("build/", "buildx", False),
        ("# a", "# a", False), ("\\#a", "#a", True), ("\\!a", "!a", True), ("", "a", False), ("   \n\t", "a", False),
        ("  a  ", "a", True), ("/", "a", False), ("/**/", "a/b", False), ("!/**/", "a", False), ("/**", "a/b", True),
        ("[ab].txt", "a.txt", True), ("[ab].txt", "c.txt", False), ("[!a].txt", "a.txt", False), ("[!a].txt", "b.txt",
        True),
        ("[^a].txt", "a.txt", True), ("[^a].txt", "^.txt", True), ("[^a].txt", "b.txt", False),
        ("a[.txt", "a[.txt", True), ("a[.txt", "a.txt", False), ("\\[a].txt", "[a].txt", True), ("\\[a].txt", "a.txt",
        False),
        ("[]a].txt", "].txt", True), ("**/deep/x", "a/b/deep/x", True), ("out/**", "out/a/b", True), ("out/**", "out2",
        False),
    ],
)  # fmt: skip
def test_the_last_line_that_matches_decides(tmp_path: Path, rules: str, file: str, ignored: bool) -> None:
    (tmp_path / ".amlignore").write_text(rules, encoding="utf-8")
    excluded = ignored_files(tmp_path)
    assert excluded is not None and excluded(file) is ignored


def test_one_file_applies(tmp_path: Path) -> None:
    assert ignore_file(tmp_path) is None and ignored_files(tmp_path) is None
    (tmp_path / ".gitignore").write_text("a")
    assert ignore_file(tmp_path) == ".gitignore"
    (tmp_path / ".amlignore").write_bytes("\ufeffb".encode())
    assert ignore_file(tmp_path) == ".amlignore"
    excluded = ignored_files(tmp_path)
    assert excluded is not None and excluded("b") and not excluded("a")


@pytest.mark.parametrize(("rules", "line"), [("!", 1), ("a\nb\\", 2), ("\n\n!", 3)])
def test_a_line_that_is_no_pattern_is_named(tmp_path: Path, rules: str, line: int) -> None:
    (tmp_path / ".amlignore").write_text(rules)
    with pytest.raises(ValueError, match=f"^line {line} of .amlignore"):
        ignored_files(tmp_path)
