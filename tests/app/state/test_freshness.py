"""What was read from a file or from Azure carries its age, and is read again when it changed."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.app.everything import answers
from tests.app.panes import Walk, home, wizard
from tests.app.recorded import BLOCKER, Recording
from tests.app.steps.model.test_model import INSPECTED
from tui.app.state import freshness
from tui.app.steps.review.review_list import ReviewList
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

CODE = "deployment.code_configuration.code"


def asked(walk: Walk, question: str) -> int:
    """How often a question was asked."""
    return [name for name, _ in walk.app._helper.asked].count(question)  # type: ignore[attr-defined, union-attr]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of the preset's scoring script."""
    there = tmp_path / "code"
    shutil.copytree(load("churn-xgboost").base / "churn-xgboost" / "onlinescoring", there)
    return there


async def test_a_script_that_another_program_replaced_is_read_again(code: Path, monkeypatch: Any) -> None:
    from tui.app.steps import wizard_screen

    def inspected(with_: dict[str, Any]) -> dict[str, Any]:
        script = code / "score.py"
        wrong = None if script.is_file() and "def run" in script.read_text() else "Not Python: line 1."
        return {**INSPECTED, "score": {**INSPECTED["score"], "problem": wrong}}

    monkeypatch.setattr(wizard_screen, "WATCH_SECONDS", 0.2)
    async with wizard(answers(inspect_model=inspected), sets=(f"{CODE}={code}",), size=(100, 40)) as walk:
        await walk.to("model")
        await walk.sees("✔ Script", "init() and run() found")
        await walk.until(lambda: walk.store.fresh._stamps, "the files were looked at")
        (code / "score.py").write_text(json.dumps({"not": "a script"}))
        await walk.sees("✖ Script", "Not Python")
        shutil.rmtree(code)
        await walk.press("pagedown")
        await walk.sees("does not exist")


async def test_review_reads_again_what_changed_on_disk(code: Path, monkeypatch: Any) -> None:
    from tui.app.steps import wizard_screen

    def check(with_: dict[str, Any]) -> list[dict[str, Any]]:
        wrong = {**BLOCKER, "message": "The script has no run().", "field": CODE}
        return [] if "def run" in (code / "score.py").read_text() else [wrong]

    monkeypatch.setattr(wizard_screen, "WATCH_SECONDS", 0.2)
    async with wizard(answers(check=check, changes=[]), sets=(f"{CODE}={code}",)) as walk:
        await walk.to("review")
        await walk.sees("Ready.")
        (code / "score.py").write_text("{}")
        await walk.sees("1 blocker", "The script has no run().")


async def test_a_mount_that_does_not_answer_holds_one_thread_and_no_key(monkeypatch: Any) -> None:
    answer, looks = threading.Event(), []

    def hang(*given: Any) -> dict[str, str]:
        looks.append(given)
        answer.wait(60)
        return {}

    monkeypatch.setattr(freshness, "stamps", hang)
    async with wizard(answers()) as walk:
        for step in ("model", "review", "model", "compute"):
            await walk.to(step)
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "network", "keys are taken")
        assert len(looks) == 1
        answer.set()


def test_stamps_tell_each_change_of_a_file_and_only_those(code: Path) -> None:
    document = load("churn-xgboost")
    document.set(CODE, str(code), "test")
    document.set("deployment.model.path", "~nobody-here/model", "test")
    before = freshness.stamps(document, {})
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "score.pyc").write_bytes(b"x")
    assert freshness.stamps(document, {}) == before
    (code / "more.py").write_text("x = 1\n")
    assert freshness.stamps(document, {})[str(code)] != before[str(code)]


async def test_an_old_answer_says_its_age_and_is_read_again_when_its_step_is_shown() -> None:
    async with wizard(answers()) as walk:
        await walk.to("workspace")
        await walk.until(lambda: "workspace" in walk.store.facts, "the workspace is read")
        walk.store.fresh._read["workspace"] -= 200
        walk.app.screen._watch()  # type: ignore[attr-defined]
        await walk.sees("read 3 min ago")
        before = asked(walk, "workspace")
        await walk.to("endpoint")
        await walk.to("workspace")
        assert asked(walk, "workspace") == before, "three minutes are not old"
        walk.store.fresh._read["workspace"] -= 200
        await walk.to("endpoint")
        await walk.to("workspace")
        await walk.until(lambda: asked(walk, "workspace") == before + 1, "read again")
        await walk.until(lambda: "min ago" not in walk.text(), "its age is new")


async def test_what_a_finished_run_changed_is_read_again(home: Path) -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        await walk.until(lambda: "endpoint" in walk.store.facts, "the endpoint is read")
        recording = Recording(home, ago=30).engine_lives()
        recording.to_deployment()
        walk.store.follow(recording.run)
        await walk.to("deploy")
        await walk.to("endpoint")
        await walk.until(lambda: asked(walk, "endpoint") == 2, "read while it was half made")
        await walk.to("deploy")
        recording.end(40.0, "succeeded")
        await walk.sees("step 8 of 9  ✔ succeeded", "Test the endpoint")
        await walk.to("endpoint")
        await walk.until(lambda: asked(walk, "endpoint") == 3, "read again")


async def test_review_shows_the_first_blocker_on_arrival_and_the_focus_is_on_back() -> None:
    blockers: list[dict[str, Any]] = []
    given = answers(check=lambda with_: list(blockers), changes=[])
    given.answers["step_findings"] = lambda with_: blockers * (with_["step"] == "compute")
    async with wizard(given) as walk:
        await walk.to("review")
        await walk.sees("Ready.")
        walk.app.screen.query_one(ReviewList).focus()
        await walk.press("end")
        await walk.until(lambda: walk.app.screen.query_one(ReviewList).scroll_offset.y > 0, "scrolled")
        blockers.append(BLOCKER)
        await walk.to("compute")
        walk.store.put("deployment.instance_count", 3, "you")
        await walk.press("pagedown", "pagedown")
        await walk.sees("1 blocker", "✖ blocker", "Quota: 8 cores")
        assert walk.focused == "back"


async def test_review_after_an_edit_stays_at_its_row_while_nothing_blocks() -> None:
    async with wizard(answers(check=[], changes=[])) as walk:
        await walk.to("review")
        await walk.sees("Ready.")
        reviewed = walk.app.screen.query_one(ReviewList)
        reviewed.focus()
        assert reviewed.pick_field("deployment.instance_count")
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.step == "compute", "the step of the field")
        await walk.press("escape", "enter")
        await walk.until(lambda: walk.app.screen.step == "review", "back")
        await walk.sees("Ready.")
        assert reviewed.marked is not None and reviewed.marked.key == "deployment.instance_count"
