"""Paths as users type them, and what every place that takes one says about a path that cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.app.home.open_plan_dialog import ImportScreen
from tui.app.widgets.file_tree import start_folder
from tui.cli.main import main
from tui.common.typed_path import UnusablePath, real_path, typed_path
from tui.export.plan_source import Source
from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve, value_problem
from tui.plan.problems import PlanInvalid
from tui.rehearsal.cli import main as rehearsal

UNUSABLE = {
    "~no-such-user-here/model": "no home folder for ~no-such-user-here",
    "n" * 256: "255 bytes",
    "é" * 128: "255 bytes",
    "/x" * 2048: "4095 for a path",
    "a\0b": "a NUL character",
    "~\0": "a NUL character",
}
PATHS = [field.key for field in FIELDS if field.kind == "path"]

unusable = pytest.mark.parametrize("typed", UNUSABLE, ids=["user", "name", "bytes", "path", "nul", "home-nul"])


def test_a_usable_path_need_not_exist() -> None:
    assert typed_path("~/none/at all") == Path.home() / "none" / "at all"
    assert typed_path("n" * 255) == Path("n" * 255)


@unusable
def test_every_path_field_says_why_a_path_cannot_be_used(typed: str) -> None:
    for key in PATHS:
        document = load("churn-xgboost")
        document.set("deployment.code_configuration.code", "code", "test")
        document.set(key, typed, "test")
        if document.asked(key):
            said = value_problem(document, key, {}, {}) or ""
            # Every kind of field refuses NUL with the same words.
            assert UNUSABLE[typed] in said or ("\0" in typed and "cannot be stored" in said), (key, said)


@unusable
def test_a_plan_with_an_unusable_path_is_saved_as_it_is(typed: str, tmp_path: Path) -> None:
    document = load("churn-xgboost")
    document.set("deployment.model.path", typed, "test")
    saved = document.save(tmp_path / "plan.yml")
    assert saved.get("deployment.model.path") == typed


@unusable
def test_what_opens_files_says_why_a_path_cannot_be_used(typed: str, tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match=UNUSABLE[typed]):
        load(typed)
    assert start_folder(tmp_path, typed) == str(tmp_path)
    with pytest.raises(UnusablePath, match=UNUSABLE[typed]):
        ImportScreen().read(typed)


@unusable
def test_a_file_to_import_that_cannot_be_is_an_error_of_the_command_line(
    typed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", typed, "-o", str(tmp_path / "plan.yml")]) == 2
    assert UNUSABLE[typed] in capsys.readouterr().err


@pytest.mark.parametrize("name", ["AML_DEPLOY_HOME", "AML_DEPLOY_CACHE"])
def test_a_folder_of_the_rehearsal_that_cannot_be_is_said(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "~no-such-user-here/x")
    assert rehearsal(["stop"]) == 2
    said = capsys.readouterr().err
    assert name in said and "no home folder for ~no-such-user-here" in said


def test_links_that_lead_to_each_other_lead_nowhere(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).symlink_to(other)
    assert not real_path(tmp_path / "a").exists()
    document = load("churn-xgboost")
    document.base = tmp_path
    for key in PATHS:
        for typed in ("a", "a/below"):
            document.set(key, typed, "test")
            if document.asked(key):
                assert "does not exist" in str(value_problem(document, key, {}, {})), key
    assert document.rebased(tmp_path / "c").base == tmp_path / "c"
    assert start_folder(tmp_path, "a") == str(tmp_path)


def test_a_plan_below_a_folder_whose_name_is_not_utf_8_is_not_valid(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    document = load("churn-xgboost")
    document.base = folder
    (folder / "model").touch()
    document.set("deployment.model.path", "model", "test")
    problem = str(value_problem(document, "deployment.model.path", {}, {}))
    assert "not UTF-8" in problem and problem.isprintable()
    with pytest.raises(PlanInvalid, match="not UTF-8"):
        Source(document, tmp_path).path("deployment.model.path")


LONG = "deployment.code_configuration.scoring_script", "deployment.environment.build.dockerfile_path"


@pytest.mark.parametrize("key", LONG)
def test_a_file_whose_name_no_folder_can_hold_is_not_there(tmp_path: Path, key: str) -> None:
    document = load("churn-xgboost")
    document.base = tmp_path
    for name, value in (("code_configuration.code", "."), ("environment", {"build": {"path": "."}})):
        document.set(f"deployment.{name}", value, "test")
    document.set(key, f"{'n' * 256}.py", "test")
    with pytest.raises(PlanInvalid) as invalid:
        resolve(document, {})
    assert any(problem.key == key and "n" * 256 in problem.message for problem in invalid.value.problems)
