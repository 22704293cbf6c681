"""What is read of an MLmodel file, at its limits."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tui.checks.model import model_folder
from tui.checks.model.model_folder import ModelFolder


@pytest.mark.parametrize(
    ("mlmodel", "versions"),
    [
        (None, {}),
        ({"mlflow_version": "2.9"}, {"mlflow": "2.9"}),
        ({"mlflow_version": ""}, {}),
        ({"mlflow_version": ["2.9"]}, {}),
        ({"flavors": {"python_function": {"python_version": "3.10"}}}, {"python": "3.10"}),
        ({"flavors": {"sklearn": {"sklearn_version": "1.5"}, "other": {"version": "1"}}}, {"sklearn": "1.5"}),
        ({"flavors": {"sklearn": "1.5"}}, {}),
        ({"flavors": ["sklearn"]}, {}),
    ],
)
def test_versions(mlmodel: dict[str, Any] | None, versions: dict[str, str]) -> None:
    found = ModelFolder(Path("m"), mlmodel=mlmodel, flavours=("sklearn", "other", "python_function"))
    assert found.versions == versions


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("flavors: {x: {}}\n", False),
        ("flavors: {}\n", False),
        ("flavors: [x]\n", True),
        ("other: 1\n", True),
        ("- flavors\n", True),
        ("flavors: [\n", True),
        ("", True),
    ],
)
def test_only_a_file_that_lists_flavours_is_an_mlmodel(tmp_path: Path, text: str, problem: bool) -> None:
    (tmp_path / "MLmodel").write_text(text)
    found = model_folder.read(tmp_path)
    assert bool(found.problem) is problem
    assert (found.mlmodel is None) is problem and found.mlmodel_path == tmp_path / "MLmodel"


@pytest.mark.parametrize(("before", "seen"), [(49, True), (50, False)])
def test_the_first_fifty_subfolders_are_searched(tmp_path: Path, before: int, seen: bool) -> None:
    for number in range(before):
        (tmp_path / f"{number:03}").mkdir()
    (tmp_path / "last").mkdir()
    (tmp_path / "last/MLmodel").write_text("flavors: {x: {}}\n")
    assert (model_folder.read(tmp_path).mlmodel_path is not None) is seen


def test_a_linked_subfolder_is_not_searched_and_the_folder_itself_comes_first(tmp_path: Path) -> None:
    for name in ("elsewhere", "model", "model/a"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere/MLmodel").write_text("flavors: {x: {}}\n")
    (tmp_path / "model/0-link").symlink_to(tmp_path / "elsewhere")
    assert model_folder.read(tmp_path / "model").mlmodel_path is None
    for name in ("model/a", "model"):
        (tmp_path / name / "MLmodel").write_text("flavors: {x: {}}\n")
    assert model_folder.read(tmp_path / "model").mlmodel_path == tmp_path / "model/MLmodel"


@pytest.mark.parametrize(
    ("name", "size", "read"),
    [
        ("example.json", 1_000_000, True),
        ("example.json", 1_000_001, False),
        ("sub/example.json", 10, True),
        ("../example.json", 10, False),
        ("missing.json", 0, False),
        (["example.json"], 10, False),
        (None, 10, False),
    ],
)
def test_an_example_is_read_up_to_a_megabyte_from_within_the_folder(
    tmp_path: Path, name: Any, size: int, read: bool
) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    info = {"artifact_path": name} if name is not None else "none"
    (folder / "MLmodel").write_text(json.dumps({"flavors": {"x": {}}, "saved_input_example_info": info}))
    if size:
        (folder / (name if isinstance(name, str) else "example.json")).write_text("[1]".ljust(size))
    assert model_folder.read(folder).example == ([1] if read else None)


def test_an_example_that_is_not_json_is_left_out(tmp_path: Path) -> None:
    info = {"flavors": {"x": {}}, "saved_input_example_info": {"artifact_path": "example.json"}}
    (tmp_path / "MLmodel").write_text(json.dumps(info))
    (tmp_path / "example.json").write_text("[1")
    found = model_folder.read(tmp_path)
    assert (found.example, found.problem) == (None, "")


@pytest.mark.parametrize("name", ["pipe", "deep", "loop", "n\0l"])
def test_a_hostile_example_is_left_out_and_nothing_waits_for_it(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "deep").write_text("[" * 100_000)
    signature = {"inputs": "[" * 100_000} if name == "deep" else None
    info = {"flavors": {"x": {}}, "saved_input_example_info": {"artifact_path": name}, "signature": signature}
    (tmp_path / "MLmodel").write_text(json.dumps(info))
    found = model_folder.read(tmp_path)
    assert (found.example, found.signature, found.flavours) == (None, None, ("x",))


def test_what_is_not_there_has_no_problem_and_no_figures(tmp_path: Path) -> None:
    found = model_folder.read(tmp_path / "gone")
    assert (found.exists, found.problem, found.files, found.bytes) == (False, "", 0, 0)


def test_a_single_file_is_a_whole_model(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_text("12345")
    found = model_folder.read(tmp_path / "model.bin")
    assert (found.files, found.bytes, found.figures.files, found.figures.bytes) == (1, 5, 1, 5)


@pytest.mark.parametrize(("seconds", "complete"), [(-1.0, False), (60.0, True)])
def test_the_count_ends_with_the_time(tmp_path: Path, seconds: float, complete: bool) -> None:
    for name in "abc":
        (tmp_path / name).write_text("1")
    found = model_folder.read(tmp_path, seconds)
    assert (found.complete, found.files) == (complete, 3 if complete else 0)
