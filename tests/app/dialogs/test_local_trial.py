"""The local trial in the wizard: its findings are shown, and closing the dialog leaves nothing running."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.app.panes import home  # noqa: F401  the fixture
from tui.app.app import WizardApp
from tui.app.dialogs.local_trial import LocalTrialScreen
from tui.app.dialogs.trial_lines import facts, text
from tui.app.widgets.facts import Facts
from tui.plan.load_save.load import load


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("aml-deploy-trial-*")}


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trials that run elsewhere on the machine are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield


async def opened(app: WizardApp, pilot: Pilot[object]) -> LocalTrialScreen:
    """The screen over the wizard."""
    await until(pilot, lambda: app.store is not None)
    screen = LocalTrialScreen(app.store)
    app.push_screen(screen)
    await until(pilot, lambda: screen.is_mounted)
    return screen


async def until(pilot: Pilot[object], reached: object, seconds: float = 60.0) -> None:
    """Wait for a state, at most so long."""
    assert callable(reached)
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it does not come to that"
        await pilot.pause(0.05)


@pytest.mark.parametrize("stopped", [False, True])
async def test_it_is_shown_or_stopped_and_leaves_nothing_behind(
    home: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    stopped: bool,
) -> None:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(home / "cache"))
    rehearsals = home / "cache" / "rehearsals"
    # What is stopped is a trial that lasts: its environment is built. The other one ends at once, with a blocker.
    document = load("churn-xgboost", [], [] if stopped else ["deployment.model.path=azureml:churn:3"])
    before = folders()
    app = WizardApp(document)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        if stopped:
            await until(pilot, lambda: any(rehearsals.glob("*")))
            assert screen.report is None
        else:
            await until(pilot, lambda: screen.report is not None)
            shown = screen.query_one(Facts).facts
            assert shown[0].kind == "none" and "azureml:churn:3 is registered in Azure" in shown[0].text
            assert shown[1].name == "What to do"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)
        await until(pilot, lambda: folders() <= before)
    assert not list(rehearsals.iterdir())


def test_a_failure_shows_what_to_do_and_what_was_seen() -> None:
    finding = {
        "id": "trial-ready",
        "severity": "blocker",
        "message": "It failed.",
        "remedy": "Correct it.\nTry again.",
        "docs": "https://example.org",
        "card": {"evidence": ["line 7", ""]},
    }
    lines = facts([finding])
    assert [(line.kind, line.name, line.text) for line in lines] == [
        ("bad", "Start", "It failed."),
        ("", "What to do", "Correct it."),
        ("", "", "Try again."),
        ("", "Evidence", "line 7"),
        ("", "Read more", "https://example.org"),
    ]
    plain = text({"findings": [finding], "figures": [{"deployment": "blue", "p50_ms": None, "calls": 0}]})
    assert "blocker  trial-ready: It failed." in plain and "| line 7" in plain
    assert "calls: 0" in plain and "p50_ms" not in plain
