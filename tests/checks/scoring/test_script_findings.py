"""Findings about a scoring script, and which modules a package provides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.checks.environment.conda_file import CondaFile
from tui.checks.scoring import module_packages
from tui.checks.scoring.score_script import Import, ScoreScript
from tui.checks.scoring.script_findings import about_score
from tui.checks.scoring.script_paths import ELSEWHERE, RELATIVE, FixedPath
from tui.checks.scoring.swallowed_errors import Swallowed
from tui.common.conda_file import Lines


def script(**more: Any) -> ScoreScript:
    both = {"found": True, "parsed": True, "has_init": True, "has_run": True}
    return ScoreScript(Path("code/score.py"), **{**both, **more})


def conda(*lines: str, **more: Any) -> CondaFile:
    return CondaFile(Path("conda.yml"), **{"found": True, "lines": Lines(conda=list(lines)), **more})


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (None, []),
        (script(), [("score-script", "ok")]),
        (script(found=False), [("score-script", "blocker")]),
        (script(has_init=False), [("score-script", "blocker")]),
        (script(has_run=False), [("score-script", "blocker")]),
        (script(has_run=False, certain=False), [("score-script", "unknown")]),
        (script(has_run=False, parsed=False), [("score-script", "ok")]),
        (script(problem="bad"), [("score-script", "blocker")]),
        (script(problem="bad", certain=False), [("score-script", "unknown")]),
        (script(problem="bad", has_run=False), [("score-script", "blocker"), ("score-script", "blocker")]),
        (script(problem="bad", parsed=False, has_run=False, certain=False), [("score-script", "unknown")]),
        (script(swallowed=[Swallowed(3)]), [("score-returns-error", "warning")]),
        (script(paths=[FixedPath("a", 1, RELATIVE), FixedPath("b", 2, RELATIVE)]), [("score-paths", "warning")]),
        (script(paths=[FixedPath("a", 1, RELATIVE), FixedPath("b", 2, ELSEWHERE)]), [("score-paths", "warning")] * 2),
    ],
)
def test_a_script_that_the_server_can_run(score: ScoreScript | None, expected: list[tuple[str, str]]) -> None:
    assert [(one.id, one.severity) for one in about_score(score, None)] == expected


def test_three_paths_are_named() -> None:
    (found,) = about_score(script(paths=[FixedPath(f"p{n}", n, RELATIVE) for n in range(4)]), None)
    assert ("p2" in found.message, "p3" in found.message) == (True, False)


@pytest.mark.parametrize(
    ("environment", "warned"),
    [
        (None, False), (conda("numpy"), True), (conda("cv2"), False), (conda("opencv"), False),
        (conda("numpy", found=False), False), (conda("numpy", problem="x"), False),
        (CondaFile(Path("c"), True, lines=Lines(local=["./x"], unread=["./x"])), False),
    ],
)  # fmt: skip
def test_modules_without_a_package(environment: CondaFile | None, warned: bool) -> None:
    found = about_score(script(imports=[Import("cv2", 3), Import("cv2", 9)]), environment)
    assert ([one.id for one in found] == ["score-imports"]) == warned
    assert all("line 3" in one.message for one in found if one.id == "score-imports")


@pytest.mark.parametrize(
    ("module", "packages", "missing"),
    [
        ("json", [], False), ("__future__", [], False), ("numpy", [], True), ("numpy", ["pandas"], False),
        ("azure", ["azure-new-service"], False), ("azure", ["requests"], True), ("google", ["google-auth"], False),
        ("torch", ["torch-geometric"], True), ("my_pkg", ["My-Pkg"], False), ("own", [], False), ("pack", [], False),
    ],
)  # fmt: skip
def test_modules_that_packages_or_the_code_folder_provide(
    tmp_path: Path, module: str, packages: list[str], missing: bool
) -> None:
    (tmp_path / "own.py").touch()
    (tmp_path / "pack").mkdir()
    assert module_packages.missing([module, module], packages, tmp_path) == [module] * missing


def test_a_server_of_the_image_may_do_without_the_functions() -> None:
    (found,) = about_score(script(has_run=False), None, own_server=True)
    assert (found.id, found.severity) == ("score-script", "warning")
