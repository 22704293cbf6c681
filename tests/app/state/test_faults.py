"""Unexpected errors: a worker's becomes a notice, and a crash keeps unsaved edits first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.worker import Worker

from tests.app.panes import Walk, follow, home, plans, wizard
from tests.app.recorded import Recording
from tests.app.scenes import good_answers
from tests.app.troubleshoot.test_troubleshoot import REPORT
from tui.app.app import WizardApp
from tui.app.dialogs.export import ExportScreen
from tui.app.dialogs.references import ReferencesScreen
from tui.app.endpoint_operations.keys_dialog import KeysDialog
from tui.app.endpoint_operations.removal_dialog import RemovalDialog
from tui.app.endpoint_operations.traffic_dialog import TrafficDialog
from tui.app.state.new_files import has_kept_edits
from tui.app.state.store import Store
from tui.app.steps.step_texts import ORDER
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


class Injected(Exception):
    """An error that no code expects."""


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Make every worker fail, but those that complete the environment; the groups of those that did."""
    failed: set[str] = set()
    run = Worker.run

    async def fail(self: Worker[Any]) -> Any:
        if self.group in ("prepare", "close"):
            return await run(self)
        failed.add(self.group)
        getattr(self._work, "close", lambda: None)()
        raise Injected(self.group)

    monkeypatch.setattr(Worker, "run", fail)
    return failed


async def notice(walk: Walk) -> None:
    """Wait for the notice, and close it, and those of workers that fail later."""
    await walk.sees("Internal error", "Injected", "wizard.log")
    while walk.app.screen.id == "fault":
        await walk.press("escape")


async def test_a_failing_worker_gives_a_notice_and_the_wizard_goes_on(
    home: Path, failing: set[str], failed_workers: list[BaseException]
) -> None:
    """Every pane and dialog that starts workers is shown, and each of them fails."""
    async with wizard(good_answers(troubleshoot=REPORT)) as walk:
        await notice(walk)
        screen = walk.app.screen
        dialogs: list[Callable[[], Any]] = [
            lambda: ExportScreen(walk.store), lambda: ReferencesScreen(walk.store), lambda: KeysDialog(walk.store),
            lambda: TrafficDialog(walk.store), lambda: RemovalDialog(walk.store, {}),
        ]  # fmt: skip
        for dialog in dialogs:
            walk.app.push_screen(dialog())
            await notice(walk)
            while walk.app.screen is not screen:
                await walk.press("escape")
        await follow(walk, Recording(home))
        for step in ORDER:
            await screen.show_step(step)  # type: ignore[attr-defined]
            await walk.pilot.pause()
            while walk.app.screen is not screen:
                await walk.press("escape")
        walk.app.go_home()
        await notice(walk)
        walk.app.operate(load("churn-xgboost"))
        await notice(walk)
        walk.app.fleet()
        await notice(walk)
        assert walk.app.return_code in (None, 0)
    dialogs_and_screens = {"formats", "references", "keys", "traffic", "inventory", "follow", "runs", "look", "read"}
    assert failing >= {*dialogs_and_screens, "sources", "step-findings", "check", "reach", "fill", "endpoint"}
    assert {str(error) for error in failed_workers} == failing
    failed_workers.clear()


async def test_a_crash_keeps_unsaved_edits_without_secrets_and_the_next_start_offers_them(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = home / "mine.yml"
    load("churn-xgboost").save(file)
    before = file.read_bytes()
    os.utime(file, (1, 1))
    app = WizardApp(load(file), environ=dict(os.environ), helper=good_answers())
    with pytest.raises(Injected):
        async with app.run_test() as pilot:
            walk = Walk(app, pilot)
            await walk.sees("step 1 of 9")
            walk.store.set("endpoint.name", "edited-01")
            walk.store.set("credential.client_secret", "typed~secret~value")

            def crash() -> None:
                raise Injected("with typed~secret~value")

            app.call_later(crash)
            await walk.until(lambda: app.return_code, "the wizard ends")
    logged = capfd.readouterr().err
    assert "Injected: with (hidden)" in logged and "typed~secret~value" not in logged
    assert file.read_bytes() == before
    (kept,) = plans(home).iterdir()
    assert load(kept).get("endpoint.name") == "edited-01"
    assert "typed~secret~value" not in kept.read_text()
    assert f"aml-deploy {kept}" in app.keep_edits()

    async with WizardApp(load(file), environ=dict(os.environ), helper=good_answers()).run_test() as pilot:
        walk = Walk(pilot.app, pilot)  # type: ignore[arg-type]
        await walk.sees("! Unsaved edits of this plan are kept")
        walk.app.go_home()
        await walk.sees("mine-unsaved-", "unsaved edits of a wizard that ended")
    os.utime(file)
    async with WizardApp(load(file), environ=dict(os.environ), helper=good_answers()).run_test() as pilot:
        walk = Walk(pilot.app, pilot)  # type: ignore[arg-type]
        await walk.sees("step 1 of 9")
        await walk.until(lambda: walk.store.ready.is_set(), "the wizard is ready")
        assert "Unsaved edits" not in walk.text(), "the plan was saved after that"


def test_the_edits_of_an_earlier_crash_stay(home: Path) -> None:
    """Two wizards of one plan, or of two presets, which have no file yet."""
    file = home / "mine [1].yml"
    load("churn-xgboost").save(file)
    os.utime(file, (1, 1))
    kept = []
    for document in (load(file), load(file), load("churn-xgboost"), load("own-score")):
        store = Store(document, environ={})
        store.set("endpoint.name", f"edited-{len(kept)}")
        kept.append(store.keep_edits())
        assert store.keep_edits() == kept[-1], "once for each wizard"
    assert [load(path).get("endpoint.name") for path in kept if path] == [f"edited-{number}" for number in range(4)]
    assert has_kept_edits(file) and not has_kept_edits(None)
