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
