"""The clumsy user for some seconds, and that what it looks for is found: each kind of fault is planted once."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import pytest

from tests.clumsy import episode
from tests.clumsy.__main__ import place_of
from tests.clumsy.episode import Ended, Fault, run
from tests.clumsy.hand import WAYS
from tests.clumsy.lost_terminal import WAYS as WAYS_TO_LOSE_IT
from tests.clumsy.lost_terminal import lose
from tests.clumsy.places import places
from tests.clumsy.world import SECRET
from tui.app.dialogs.save_as import SaveAsScreen
from tui.app.endpoint_operations.keys_dialog import KeysDialog
from tui.app.state.store import Store
from tui.app.steps.deploy.roll_back_dialog import RollBackDialog
from tui.app.steps.step_pane import Pane
from tui.app.steps.wizard_screen import WizardScreen

SEED = int(os.environ.get("AML_DEPLOY_CLUMSY_SEED", "20"))
EPISODES = 6  # some ten seconds; the ten minutes are `python -m tests.clumsy`


def test_there_is_a_way_to_every_screen_dialog_and_step() -> None:
    assert set(places()) == set(WAYS)


@pytest.mark.parametrize("number", range(EPISODES))
def test_nothing_goes_wrong(number: int) -> None:
    place = place_of(SEED, number)
    ended = run(place, f"{SEED}:{number}")
    assert ended.fault is None, f"python -m tests.clumsy --seed {SEED} --episode {number}\n{ended.fault}"
    assert ended.reached, f"{place}: {ended.why_not}"


@pytest.mark.parametrize("way", WAYS_TO_LOSE_IT)
def test_a_lost_terminal_loses_no_edit(way: str, rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> None:
    lose(f"{SEED}:{way}", rehearsal_home, way, trial=way == "closed")


def found(words: str, *wanted: str, episodes: int = 6) -> Ended:
    """Play episodes of these places until one has a fault with these words."""
    faults: list[Fault | None] = []
    for number in range(episodes):
        with mock.patch.object(episode, "COMES_TRUE", 1.5):  # what is planted does not come true
            ended = run(wanted[number % len(wanted)], f"planted:{number}")
        if ended.fault is not None and words in ended.fault.what:
            return ended
        faults.append(ended.fault)
    raise AssertionError(f"{words!r} was not found: {faults}")


def test_a_crash_in_a_dialog_that_is_seldom_seen_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: RollBackDialog, event: Any) -> None:
        if event.widget.id == "back-go":
            raise ZeroDivisionError("planted")

    monkeypatch.setattr(RollBackDialog, "on_descendant_focus", crash, raising=False)
    ended = found("crash: ZeroDivisionError: planted", "RollBackDialog")
    assert ended.fault is not None and ended.fault.events


def test_a_crash_is_found_by_going_round_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness is not told where the fault is."""

    def crash(self: KeysDialog) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(KeysDialog, "action_close", crash)
    seed = 38  # it comes soon
    for number in range(2 * len(places())):
        ended = run(place_of(seed, number), f"{seed}:{number}")
        if ended.fault is not None:
            assert "planted" in ended.fault.what, ended.fault
            return
    raise AssertionError("the planted crash was not found")


def test_a_worker_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Store, *_: Any, **__: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Store, "answer", fail)
    found("worker: ZeroDivisionError", "WorkspacePane")


def test_an_edit_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    put = Store.put

    def forget(self: Store, *arguments: Any) -> None:
        put(self, *arguments)
        self.dirty = False

    monkeypatch.setattr(Store, "put", forget)
    found("edits are", "EndpointPane", "WorkspacePane", "ModelPane")


def test_two_steps_at_once_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pane, "leave", lambda pane: pane.call_later(setattr, pane, "display", True))
    found("displayed are", "EndpointPane", "NetworkPane")


def test_a_lost_focus_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WizardScreen, "action_to_buttons", lambda screen: screen.set_focus(None))
    found("no focus on WizardScreen", "EndpointPane", "ReviewPane")


def test_a_notice_that_stays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.dialogs.too_small.too_small", lambda size: True)
    found("the notice of a small terminal", "TooSmallScreen")


def test_a_secret_on_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: SaveAsScreen) -> None:
        from pathlib import Path

        Path("kept").write_text(SECRET)

    monkeypatch.setattr(SaveAsScreen, "on_mount", write, raising=False)
    found("the secret is in", "SaveAsScreen")
