"""Conda files taken apart, without a word about what a line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.common.conda_file import Option, name_in_model, parse_yaml, read_yaml, take_apart

FOLDER = "--find-links /tmp/wheels"


def test_texts_stay_as_they_are_written() -> None:
    assert parse_yaml("dependencies: [python=3.10, {pip: [a==1.0]}]\nversion: 3.10", "x").content == {
        "dependencies": ["python=3.10", {"pip": ["a==1.0"]}],
        "version": "3.10",
    }


def test_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    found = parse_yaml("a: 1\nb: [", "The conda file")
    assert (found.content, found.line) == (None, 2) and found.problem.startswith("The conda file, line 2: ")
    assert "cannot be read" in read_yaml(tmp_path / "none.yml").problem
    (tmp_path / "large.yml").write_bytes(b"#" * 1_000_001)
    assert "larger than 1 MB" in read_yaml(tmp_path / "large.yml").problem
    assert "is not YAML" in parse_yaml(b"\xff\xfe\xfa", "x").problem


def test_the_pip_part_by_kind_of_line() -> None:
    pip = ["# nothing", "a>=1  # why", "-i https://a", "--pre", FOLDER, "b @ https://b/b.whl", "git+https://c/c#egg=c"]
    lines = take_apart([" python=3.10 ", "pip", {"pip": pip}], "x")
    assert lines.conda == ["python=3.10", "pip"]
    assert lines.pip == ["a>=1", "b @ https://b/b.whl", "git+https://c/c#egg=c"]
    assert lines.options == [
        Option("--index-url", "https://a", "-i https://a"),
        Option("--pre", "", "--pre"),
        Option("--find-links", "/tmp/wheels", FOLDER),
    ]
    assert not lines.local and not lines.problem


@pytest.mark.parametrize(
    "line",
    ["-r more.txt", "-rmore.txt", "-e .", "./a.whl", "../a", "a/b.whl", "a.whl", "a @ file:///b", "file:a"],
)
def test_a_line_that_names_a_file(line: str) -> None:
    assert take_apart([{"pip": [line]}], "x").local == [line]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"python": "3.10"}, "x: {'python': '3.10'} is not a dependency"),
        ({"pip": "numpy"}, "x: `pip:` must be a list"),
        ({"pip": [["numpy"]]}, "x: ['numpy'] under pip is not one requirement"),
    ],
)
def test_an_entry_that_is_no_dependency(entry: object, words: str) -> None:
    assert take_apart([entry, {"other": 1}], "x").problem.startswith(words), "the first one counts"


def test_the_file_that_a_model_names() -> None:
    assert name_in_model({"env": {"conda": "own.yaml"}}) == "own.yaml"
    assert name_in_model({"env": "old.yaml"}) == "old.yaml"
    assert name_in_model({}) == "conda.yaml"


def test_condas_single_equals_sign_under_pip_is_refused() -> None:
    for line in ("joblib=1.4.2", "a[b] = 1.0 ; python_version > '3'"):
        lines = take_apart([{"pip": ["ok==1", line]}], "conda.yml")
        assert lines.wrong == line and line in lines.problem and "==" in lines.problem
    for line in ("a==1", "a===1", "a~=1", "a>=1,<=2", "a @ https://b/?c=d", "git+https://b/c?d=e#egg=f", "a; x == '1'"):
        assert not take_apart([{"pip": [line]}], "conda.yml").problem, line


def test_requirements_files_are_read_where_their_folder_is_known(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "more.txt").write_text("a==1 \\\n  --hash=sha256:12\n-r sub/deep.txt\n--pre\n")
    (tmp_path / "sub/deep.txt").write_text("b=2\n-e .\n-r deep.txt\n")
    lines = take_apart([{"pip": ["-r more.txt", "-r none.txt"]}], "conda.yml", tmp_path)
    assert [line.split()[0] for line in lines.pip][:2] == ["a==1", "b=2"]
    assert lines.local == ["-r more.txt", "-r none.txt"]
    assert {"-r none.txt", "-e ."} <= set(lines.unread) and "-r more.txt" not in lines.unread
    assert lines.problem.startswith("deep.txt: 'b=2'") and lines.options[0].name == "--pre"
    assert take_apart([{"pip": ["-r more.txt"]}], "conda.yml").unread == ["-r more.txt"]
