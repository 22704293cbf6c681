"""The fleet's screen: it fills row by row, keeps the cursor on its endpoint, and says what could not be read."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from tests.app.fleet.rows import (
    DEGRADED,
    FAILING,
    IDLE,
    SILENT,
    SOME,
    UNKNOWN,
    WORKSPACES,
    Fleet,
    fleet,
    many,
    row,
    workspace,
)
from tests.app.panes import Walk, home
from tests.app.widgets.test_keys import is_forbidden, own
from tui.app.app import WizardApp
from tui.app.fleet.screen import FleetScreen
from tui.helper import fleet_report
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def names(screen: FleetScreen) -> list[str]:
    """The endpoints in the table, from top to bottom."""
    return [str(one["endpoint"]) for one in screen.table.rows]


def marked(screen: FleetScreen) -> str:
    """The endpoint under the cursor."""
    return str((screen.marked or {}).get("endpoint"))


async def filled(walk: Walk, screen: FleetScreen, count: int) -> None:
    """Wait until the table has so many rows and the reading has ended."""
    await walk.until(lambda: len(screen.table.rows) == count and not screen._reading, f"{count} rows")


async def test_rows_appear_while_workspaces_are_still_being_read() -> None:
    answers = Fleet()
    answers.hold("fleet")
    async with fleet(answers) as (walk, screen):
        await walk.sees("reading the subscriptions")
        screen.take(workspace("ws-churn"))
        screen.take(workspace("ws-far", "reading"))
        screen.take(row(pending=["requests", "errors", "p95_ms"], requests=None, errors=None, p95_ms=None))
        await walk.sees("reading 1 of 2 workspaces", "✔ healthy", "churn", "reading")
        screen.take(row())
        screen.take(SILENT)
        await walk.sees("reading 2 of 2 workspaces", "1,000", "41 ms", "Not read (1)")
        answers.release("fleet")
        await walk.sees("1 endpoint in 1 of 2 workspaces, read ", "Not read (1)")


async def test_a_rehearsal_that_does_not_start_after_the_fleet_was_left_fails_nowhere() -> None:
    left = threading.Event()

    def prepare(document: object) -> dict[str, str]:
        left.wait(60)
        raise RuntimeError("The port is taken.")

    app = WizardApp(environ=dict(os.environ), rehearse=True, prepare=prepare, helper=Fleet(),
                    begin=lambda app: app.fleet())  # fmt: skip
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Starting the rehearsal")
        await walk.tab_to("home")
        await walk.press("enter")
        await walk.sees("Presets")
        left.set()
        await walk.until(lambda: app.store is not None and app.store.prepare_problem, "it has failed")
        await pilot.pause()
        assert app.screen.name == "home"


async def test_the_worst_is_first_and_every_row_is_explained() -> None:
    async with fleet(Fleet([*WORKSPACES, *SOME])) as (walk, screen):
        await filled(walk, screen, 5)
        assert names(screen) == ["fraud-scoring-westeurope", "pricing", "legacy", "nightly", "churn"]
        await walk.sees("1 failing, 1 degraded", "All traffic goes to green, which failed: ImageBuildFailure.")
        await walk.press("down")
        await walk.sees("degraded: 12 of 400 requests failed", "Standard_NC6s_v3 retires")
        await walk.press("down")
        await walk.sees("3 cells (Requests, Errors, p95): the role does not allow reading metrics")
        await walk.press("space")
        await walk.sees("unknown: older than the activity log, which reaches 90")


async def test_the_reasons_of_what_could_not_be_read_are_one_key_away() -> None:
    note = {"kind": "note", "text": "Resource Graph refused."}
    async with fleet(Fleet([*WORKSPACES, UNKNOWN, note])) as (walk, screen):
        await filled(walk, screen, 1)
        await walk.press("u")
        await walk.sees(
            SILENT["reason"],
            "The identity may not read this workspace (403)",
            "Resource Graph refused.",
            "Unknown cells",
        )
        await walk.press("escape")
        await walk.tab_to("do-not_read")
        await walk.press("enter")
        await walk.sees("ws-closed (Contoso ML)")


async def test_two_workspaces_of_one_name_and_reason_both_count() -> None:
    twin = {**SILENT, "id": "/other", "subscription": "other", "subscription_name": "Fabrikam ML"}
    unseen = [
        {"what": "the workspace ws-far", "why": SILENT["reason"]},
        {"what": "the workspaces of the subscription A", "why": "refused"},
        {"what": "the workspaces of the subscription B", "why": "refused"},
    ]
    answers = Fleet([SILENT, twin, row()])
    told = answers._fleet
    answers.answers["fleet"] = lambda with_: {**told(with_), "unseen": unseen}
    async with fleet(answers) as (walk, screen):
        await filled(walk, screen, 1)
        await walk.sees("Not read (4)")
        await walk.press("u")
        text = await walk.sees("ws-far (Contoso ML)", "ws-far (Fabrikam ML)", "subscription A", "subscription B")
        assert "the workspace ws-far" not in text


async def test_a_fleet_that_cannot_be_read_says_why() -> None:
    refused = HelperError("Sign-in was refused", "The secret has expired.", "Make a new one.")
    answers = Fleet()
    answers.answers["fleet"] = refused
    async with fleet(answers, size=(120, 30)) as (walk, screen):
        await walk.sees("✖ Sign-in was refused. The secret has expired. Make a new one.", "─✖ not everything was read─")
        assert not walk.shows("There is no endpoint") and not walk.shows(", read ")
        answers.answers["fleet"] = answers._fleet
        screen._tick()
        await walk.sees("There is no endpoint that this identity may see.", ", read ")
        assert not walk.shows("✖"), "the error was that of an earlier refresh"
        answers.answers["fleet"] = refused
        screen._tick()
        await walk.sees("✖ Sign-in was refused")
        assert not walk.shows("There is no endpoint")


async def test_the_cursor_stays_on_its_endpoint_when_rows_come_sort_and_change() -> None:
    async with fleet(Fleet([*WORKSPACES, *many(60)])) as (walk, screen):
        await filled(walk, screen, 60)
        await walk.press(*["down"] * 20)
        here = marked(screen)
        line = screen.table.render_line(0) and screen.table._index - screen.table.scroll_offset.y
        for worse in ("aaa", "aab", "aac"):
            screen.take({**FAILING, "endpoint": worse, "id": FAILING["id"] + worse})
        await walk.until(lambda: len(screen.table.rows) == 63, "the new rows")
        assert marked(screen) == here
        assert screen.table._index - screen.table.scroll_offset.y == line, "it stays at its line of the screen too"
        await walk.press("right", "s")
        assert screen.table.column == "endpoint"
        assert names(screen) == sorted(names(screen), key=str.lower)
        assert marked(screen) == names(screen)[0], "who sorts wants to see what is first"
        await walk.press("s")
        assert names(screen) == sorted(names(screen), key=str.lower, reverse=True)
        assert marked(screen) == names(screen)[0]
        await walk.press(*["down"] * 20)
        here = marked(screen)
        gone = next(one for one in screen.table.rows if one["endpoint"] != here)
        screen.take({"kind": "gone", "id": gone["id"]})
        await walk.until(lambda: len(screen.table.rows) == 62, "one is gone")
        assert marked(screen) == here


async def test_before_a_key_is_pressed_the_cursor_is_on_the_worst() -> None:
    answers = Fleet()
    answers.hold("fleet")
    async with fleet(answers) as (walk, screen):
        screen.take(row())
        await walk.until(lambda: len(screen.table.rows) == 1, "the first row")
        screen.take(FAILING)
        await walk.until(lambda: len(screen.table.rows) == 2, "the second row")
        assert marked(screen) == FAILING["endpoint"]
        answers.release("fleet")


async def test_every_column_can_be_reached_and_sorted_by() -> None:
    async with fleet(Fleet([*WORKSPACES, *SOME])) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.sees("Health", "Endpoint", "Workspace", "Traffic", "Requests", "Errors", "p95")
        for column in fleet_report.COLUMNS:
            assert screen.table.column == column.key
            await walk.press("s")
            head = walk.text().splitlines()[2]
            assert column.title[:4] in head and ("▼" in head or "▲" in head), head
            assert "Endpoint" in head, "the first two columns stay"
            await walk.press("right")
        assert screen.table.column == "health", "after the last comes the first"
        await walk.press("left")
        assert screen.table.column == fleet_report.COLUMNS[-1].key


async def test_the_filter_takes_words_from_everywhere_and_letters_are_no_commands_there() -> None:
    async with fleet(Fleet([*WORKSPACES, *SOME])) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("slash", *"degraded", "space", *"NC6")
        await walk.sees("1 of 5 endpoints match the filter")
        assert names(screen) == ["pricing"]
        await walk.press("enter")
        assert walk.focused == "fleet"
        await walk.press("escape")
        await walk.until(lambda: len(screen.table.rows) == 5, "all again")
        assert marked(screen) == "pricing"
        await walk.press("slash", *"trx")
        await walk.sees("No endpoint matches the filter")
        assert walk.app.screen is screen, "no letter opened a dialog"


async def test_what_changed_is_marked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Fleet([*WORKSPACES, *SOME])
    async with fleet(answers) as (walk, screen):
        await filled(walk, screen, 5)
        worse = {**DEGRADED, "errors": 200, "health": "failing", "changed": ["errors", "health"],
                 "reason": "Half of the requests failed."}  # fmt: skip
        answers.sends = [*WORKSPACES, FAILING, UNKNOWN, IDLE, row(), worse]
        await walk.press("down")
        screen.read()
        await walk.sees("*✖ failing  pricing", "* Changed", "errors: 12 (3 %) → 200 (50 %)")
        await walk.until(lambda: not screen._reading, "it was read")
        answers.sends = [*WORKSPACES, {**worse, "requests": 2000, "changed": ["requests"]}, FAILING]
        screen.read()  # at once, as after a change that was made here
        await walk.until(lambda: not screen._reading, "it was read")
        await walk.sees("*✖ failing  pricing", "requests: 400 → 2,000", "errors: 12 (3 %) → 200 (10 %)")
        monkeypatch.setattr("tui.app.fleet.screen.MARK_SECONDS", 0)
        answers.sends = [*WORKSPACES]  # nothing is old enough to be read again
        screen.read()
        await walk.until(lambda: not screen._reading and " ✖ failing  pricing" in walk.text(), "no mark any more")


async def test_what_is_known_stays_while_it_is_read_again() -> None:
    async with fleet(Fleet([*WORKSPACES, row()])) as (walk, screen):
        await filled(walk, screen, 1)
        screen.take(row(requests=None, errors=None, p95_ms=None, health="unknown", pending=["requests", "errors"]))
        screen.take(FAILING)
        await walk.until(lambda: len(screen.table.rows) == 2, "painted")
        assert "1,000" in walk.text() and "reading" not in walk.text()


async def test_f5_reads_everything_and_a_refresh_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.fleet.screen.REFRESH_SECONDS", 0.2)
    answers = Fleet([*WORKSPACES, row()])

    def asked() -> list[Any]:
        return [with_["fresh"] for name, with_ in answers.asked if name == "fleet"]

    async with fleet(answers) as (walk, screen):
        await walk.until(lambda: len(asked()) > 1, "it refreshes by itself")
        assert not any(asked())
        await walk.until(lambda: not screen._reading, "it is read")
        await walk.press("f5")
        await walk.until(lambda: any(asked()), "everything is read")
        await walk.press("ctrl+g")
        await walk.sees("All endpoints that this identity may see")
        await walk.until(lambda: not screen._reading, "it is read")
        before = len(asked())
        screen._tick()
        assert len(asked()) == before and not screen._reading, "not while a dialog is open"


async def test_f5_during_a_refresh_reads_everything_afterwards() -> None:
    answers = Fleet([*WORKSPACES, row()])
    async with fleet(answers) as (walk, screen):
        await filled(walk, screen, 1)
        answers.hold("fleet")
        screen._tick()
        await walk.until(lambda: len(answers.asked) == 2, "it refreshes by itself")
        await walk.press("f5")
        screen._tick()
        answers.release("fleet")
        await walk.until(lambda: len(answers.asked) == 3 and not screen._reading, "it is read once more")
        assert [with_["fresh"] for _, with_ in answers.asked] == [False, False, True]


async def test_two_thousand_rows_are_drawn_by_line() -> None:
    async with fleet(Fleet([*WORKSPACES, *many(2000)]), size=(120, 40)) as (walk, screen):
        await filled(walk, screen, 2000)
        table = screen.table
        assert len(table.children) == 0
        drawn: list[int] = []
        draw = table._draw

        def count(*given: Any) -> Any:
            drawn.append(1)
            return draw(*given)

        table._draw = count  # type: ignore[method-assign]
        await walk.press("down")
        await walk.pilot.pause()
        assert len(drawn) <= 4, "only the two lines that changed"
        await walk.press("end")
        await walk.sees("endpoint-1997")
        assert len(drawn) <= 4 + 2 * table.size.height
        repainted: list[Any] = []
        refresh = table.refresh
        table.refresh = lambda *regions, **how: repainted.append(regions) or refresh(*regions, **how)  # type: ignore
        screen._paint()
        await walk.pilot.pause()
        assert not repainted, "nothing changed, so nothing is painted"


async def test_its_keys_keep_the_rules_and_every_action_is_a_button() -> None:
    async with fleet(Fleet([*WORKSPACES, *SOME])) as (walk, screen):
        await filled(walk, screen, 5)
        for widget in screen.focus_chain:
            screen.set_focus(widget)
            await walk.pilot.pause()
            for key, active in screen.active_bindings.items():
                assert not is_forbidden(key) or (len(key) == 1 and widget is screen.table), f"{key} at {widget!r}"
                if active.binding in list(own(active.node)):
                    assert active.binding.id and active.binding.tooltip, key
            assert len([one for one in screen.active_bindings.values() if one.binding.show]) <= 6
        for button in ("troubleshoot", "logs", "traffic", "back", "diff", "history", "remove", "portal", "plan"):
            await walk.tab_to(f"do-{button}")
        await walk.press("ctrl+o")
        await walk.sees("Menu", "Troubleshoot", "Roll back", "Refresh")


async def test_a_heading_sorts_and_a_second_click_on_a_row_opens_it() -> None:
    from tests.app.fleet.test_row_actions import answers
    from tui.app.troubleshoot.screen import TroubleshootScreen

    async with fleet(answers()) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.pilot.click("#fleet", offset=(20, 0))
        assert names(screen) == sorted(names(screen), key=str.lower)
        await walk.pilot.click("#fleet", offset=(20, 2))
        assert marked(screen) == names(screen)[1] and walk.app.screen is screen
        await walk.pilot.click("#fleet", offset=(20, 2))
        await walk.until(lambda: isinstance(walk.app.screen, TroubleshootScreen), "it opens")
