"""The menu at every screen, by the keyboard: what is typed is found, Enter goes there, Esc changes nothing."""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path

import pytest
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tests.app.everything import answers, first_screen
from tests.app.fleet.rows import SOME, WORKSPACES, Fleet, fleet
from tests.app.panes import Walk, home, plans, recorded_answers, wizard
from tests.app.recorded import Answers, Recording
from tests.app.steps.test_typed_ahead import at_once
from tests.app.troubleshoot.test_troubleshoot import REPORT, operating
from tui.app.app import WizardApp
from tui.app.search.screen import SearchScreen
from tui.app.state.action import Action
from tui.app.steps.review.review_list import ReviewList
from tui.app.steps.step_texts import ORDER, TITLES
from tui.app.textual_patches.option_list import OptionList
from tui.app.troubleshoot.screen import TroubleshootScreen
from tui.app.widgets.field_row import FieldRow
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def menu(walk: Walk, *typed: str) -> SearchScreen:
    """Open the menu and type, a key or a text each; return it once it shows what was found."""
    await walk.press("ctrl+o", *(key for text in typed for key in text))
    await walk.until(lambda: isinstance(walk.app.screen, SearchScreen), "the menu")
    screen = walk.app.screen
    assert isinstance(screen, SearchScreen)
    await walk.until(lambda: screen._typed == "".join(typed), "all was typed")
    return screen


async def pick(walk: Walk, label: str, typed: str) -> None:
    """Open the menu, type, and take the entry with this label, which must be one of the first three."""
    screen = await menu(walk, typed)
    labels = [entry.label for entry in screen.entries[:3]]
    assert label in labels, f"{typed}: {labels}"
    await walk.press(*["down"] * labels.index(label), "enter")
    await walk.until(lambda: not isinstance(walk.app.screen, SearchScreen), "the menu is closed")


def at_step(walk: Walk, step: str) -> bool:
    """Whether this step is shown."""
    return bool(getattr(walk.app.screen, "step", "") == step)


async def test_every_field_is_found_by_its_label_and_enter_focuses_it() -> None:
    async with wizard(answers(), size=(120, 40)) as walk:
        for field in FIELDS:
            await pick(walk, field.label, field.label)
            await walk.until(partial(at_step, walk, field.step), f"the step of {field.key}")
            if field.step == "review":
                await walk.until(lambda: isinstance(walk.app.screen.focused, ReviewList), "the review's row")
                continue
            key = field.key
            if not walk.store.document.asked(key):
                assert field.only_if is not None, key
                key = field.only_if[0]
                await walk.sees(f"{field.label} applies if {BY_KEY[key].label} is")
            await walk.until(partial(in_row, walk, key), f"the focus is in {key}")
            focused = walk.app.screen.focused
            assert focused is not None and focused.region.area, f"{key} is in sight"


@pytest.mark.parametrize(
    ("label", "typed", "step", "seen"),
    [
        ("Export", "exprt", "review", "files for other tools"),
        ("Load test", "load test", "test", "Load test"),
        ("Add a deployment to the plan", "add deployment", "endpoint", "the steps show green"),
    ],
)
async def test_an_action_of_another_step_is_found_and_done_there(label: str, typed: str, step: str, seen: str) -> None:
    async with wizard(answers()) as walk:
        await pick(walk, label, typed)
        await walk.until(lambda: getattr(walk.app.screen_stack[1], "step", "") == step, f"the step {step}")
        await walk.sees(seen)


def in_row(walk: Walk, key: str) -> bool:
    """Whether the focus is in a field's row."""
    focused = walk.app.screen.focused
    rows = [node for node in focused.ancestors_with_self if isinstance(node, FieldRow)] if focused else []
    return bool(rows) and rows[0].field.key == key


async def test_every_step_and_every_action_is_found_by_its_words() -> None:
    async with wizard(answers(), size=(80, 24)) as walk:
        for step in (*ORDER, ORDER[0]):  # at first the one that is shown, which is only found
            await pick(walk, f"Go to step {ORDER.index(step) + 1}, {TITLES[step]}", f"step {TITLES[step]}")
            await walk.until(partial(at_step, walk, step), step)
            screen = await menu(walk)
            for action in list(screen.entries):
                first = [entry.label for entry in screen._index.find(action.label.lower())[:3]]
                assert action.label in first, f"{action.label} at {step}"
            await walk.press("escape")
        await pick(walk, "Light or dark theme", "thme")
        await walk.until(lambda: "light" in walk.app.theme, "the theme changed")
        await pick(walk, "Light or dark theme", "light")  # not what has it in the middle of a word, such as preflight


async def test_keys_that_arrive_together_find_a_field_and_type_into_it() -> None:
    async with wizard(answers()) as walk:
        at_once(walk, "ctrl+o", *"instances", "enter", "ctrl+u", "3")
        await walk.until(lambda: walk.store.text("deployment.instance_count") == "3", "the field has what was typed")
        assert at_step(walk, "compute") and in_row(walk, "deployment.instance_count")
        at_once(walk, "ctrl+o", *"collector: headers", "enter", *"x-one")
        await walk.until(lambda: in_row(walk, "deployment.data_collector.request_logging.capture_headers"), "the field")
        await walk.until(lambda: getattr(walk.app.screen.focused, "value", "") == "x-one", "one less common, too")


async def test_escape_and_the_same_key_close_it_and_the_focus_is_where_it_was() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        before = walk.app.screen.focused
        for close in ("escape", "ctrl+o"):
            await menu(walk, "tags")
            await walk.press(close)
            await walk.until(lambda: walk.app.screen.name == "wizard", "closed")
            assert walk.app.screen.focused is before and walk.app.screen.step == "endpoint"  # type: ignore[attr-defined]


async def test_nothing_found_says_so_and_enter_does_nothing() -> None:
    async with wizard(answers()) as walk:
        screen = await menu(walk, "xyzzy")
        await walk.sees("Nothing matches.")
        await walk.press("enter", "pagedown", "up", "down", "end", "home")
        assert walk.app.screen is screen
        await walk.press(*["backspace"] * 5)
        await walk.sees("Show this step as az CLI and YAML")


async def test_pages_and_ends_move_in_the_list_and_the_description_follows() -> None:
    async with wizard(answers()) as walk:
        await walk.to("test")
        screen = await menu(walk)
        last = len(screen.entries) - 1
        marks = []
        for key in ("end", "up", "home", "pagedown", "pageup", "up"):
            await walk.press(key)
            marks.append(screen._list.highlighted)
            assert screen.marked is not None
            await walk.sees(screen.marked.help)
        assert marks[:3] == [last, last - 1, 0] and marks[3] not in (0, None) and marks[4:] == [0, last]


@pytest.mark.parametrize("size", [(80, 24), (80, 20), (200, 50)], ids=str)
async def test_it_fits_and_uses_the_width(size: tuple[int, int]) -> None:
    async with wizard(answers(), size=size) as walk:
        await walk.to("test")
        screen = await menu(walk)
        box = screen._box.region
        assert box.right <= size[0] and box.bottom <= size[1] and box.width == min(size[0] - 2, 130)
        lines = (await walk.sees("Regenerate them one after the other")).splitlines()
        if size[0] == 200:
            inside = "".join(line[box.x : box.right] for line in lines[box.y : box.bottom])
            assert "…" not in inside.partition("Copy the call as curl")[2], "nothing is cut"
        assert walk.app.screen.query_one("#menu-about", Static).region.height == 3


async def test_home_finds_its_ways_to_start_plans_runs_endpoints_and_explains_fields(home: Path) -> None:
    load("churn-xgboost").save(plans(home) / "mine.yml")
    load("churn-xgboost").save(Recording(home).folder / "plan.yml")
    async with first_screen() as walk:
        screen = await menu(walk)
        labels = [entry.label for entry in screen.entries]
        assert labels[:2] == ["Start from a folder", "Endpoints"] and labels.count("Endpoints") == 1
        assert "Switch to rehearsal" in labels and labels[-1] == "Quit"
        await walk.press("escape")
        await pick(walk, "Instances", "instance_count")
        await walk.sees("at step 5, Compute.")
        await walk.press("escape")
        await pick(walk, "Open a plan file", "open file")
        await walk.sees("The plan's YAML file")
        await walk.press("escape")
        await pick(walk, "mine", "recent mine")
        await walk.until(lambda: walk.app.screen.name == "wizard", "the plan is open")
        assert str(walk.store.file).endswith("mine.yml")
        await pick(walk, "Run of churn-endpoint-01, blue", "attach churn")
        await walk.until(lambda: at_step(walk, "deploy"), "the run")
        await pick(walk, "churn-endpoint-01", "troubleshoot churn-endpoint-01")
        await walk.until(lambda: isinstance(walk.app.screen, TroubleshootScreen), "its troubleshooting")


async def test_a_preset_is_opened_from_a_plan_whose_edits_are_saved(home: Path) -> None:
    async with wizard(answers()) as walk:
        walk.store.set("deployment.instance_count", "3")
        await pick(walk, "churn-xgboost", "preset churn xgboost")
        await walk.until(lambda: walk.store.text("deployment.instance_count") == "1", "the preset as it was")
        assert any("instance_count: 3" in path.read_text() for path in Path.cwd().rglob("*.yml"))


async def test_plans_and_runs_arrive_late_without_moving_the_mark(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.app.search import found

    go, read = threading.Event(), found.plans_and_runs
    monkeypatch.setattr(found, "plans_and_runs", lambda app: read(app) if go.wait(60) else [])
    load("churn-xgboost").save(plans(home) / "model.yml")
    async with wizard(answers()) as walk:
        screen = await menu(walk, "model")
        await walk.press("down", "down")
        marked = screen.marked
        await walk.sees("Menu, reading plans and runs")
        assert "model" not in [entry.label for entry in screen.entries]
        go.set()
        await walk.until(lambda: "model" in [entry.label for entry in screen.entries], "the plan has arrived")
        assert screen.marked is marked
        assert "reading" not in walk.text()


async def test_what_arrives_while_an_entry_is_being_taken_does_not_take_its_place() -> None:
    ran: list[str] = []
    async with wizard(answers()) as walk:
        screen = await menu(walk, "step 4")
        screen._list.action_select()  # as Enter does; its message is handled after the arrival
        screen._index.add([Action("step 4", "It comes first.", lambda: ran.append("it"))])
        screen._show(screen._index.find("step 4"), screen.marked)
        assert screen.entries[0].label == "step 4"
        await walk.until(lambda: at_step(walk, "model"), "the step that was marked")
    assert not ran


async def test_a_state_folder_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.app.search import found

    def read(app: object) -> list[object]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(found, "plans_and_runs", read)
    async with wizard(answers()) as walk:
        await menu(walk, "work")
        await walk.sees("Plans and runs cannot be read: Permission denied", "Go to step 2, Workspace")


async def test_a_dialogs_question_is_not_answered_by_the_menu() -> None:
    async with wizard(answers()) as walk:
        await walk.press("ctrl+c")
        await walk.sees("Quit the wizard?")
        dialog = walk.app.screen
        leave = next(one for one in dialog.query(Button) if "quit" in str(one.label).lower())
        await pick(walk, str(leave.label), str(leave.label))
        await walk.until(lambda: walk.app.screen is dialog and dialog.focused is leave, "only the focus moved")
        screen = await menu(walk, "compute")
        await walk.sees("Nothing matches.", "Only this dialog is searched")
        await walk.press(*["backspace"] * 7)
        await walk.until(lambda: screen.entries, "all again")
        await walk.press("end", "enter")
        await walk.until(
            lambda: isinstance(walk.app.screen, SearchScreen) and walk.app.screen is not screen, "the menu"
        )
        await walk.press(*"go compute", "enter")
        await walk.until(lambda: getattr(walk.app.screen, "step", "") == "compute", "from there to everything")


async def test_the_fleets_endpoints_are_found_and_refused_actions_say_so() -> None:
    async with fleet(Fleet([*WORKSPACES, *SOME]), readonly=True) as (walk, screen):
        await walk.until(lambda: len(screen.table.rows) == 5 and not screen._reading, "all rows")
        await pick(walk, "pricing", "pricing")
        await walk.until(lambda: (screen.marked or {}).get("endpoint") == "pricing", "the cursor is there")
        shown = await menu(walk, "traffic")
        assert shown.entries[0].label == "Traffic" and shown.entries[0].help.startswith("Read-only, by --readonly")
        await walk.press("enter")
        await walk.sees("! Read-only")
        await pick(walk, "Size", "vm sku")
        await walk.sees("at step 5, Compute.")


async def test_troubleshoot_finds_its_sections_buttons_and_findings() -> None:
    async with operating(Answers(troubleshoot=REPORT)) as walk:
        await pick(walk, "Go to metrics", "metr")
        await walk.until(lambda: walk.app.screen.section == "metrics", "the section")  # type: ignore[attr-defined]
        await pick(walk, "Watch: off", "watch")
        await walk.until(lambda: walk.app.screen.watching, "it is on")  # type: ignore[attr-defined]
        message = walk.app.screen.report["findings"][0]["message"]  # type: ignore[attr-defined]
        await pick(walk, message, message)
        await walk.until(lambda: isinstance(walk.app.screen, ModalScreen), "the finding")


async def test_a_typed_secret_is_nowhere_in_the_menu() -> None:
    async with wizard(answers(), sets=("credential.method=service_principal",)) as walk:
        walk.store.set("credential.client_secret", "s3cr3t-value")
        screen = await menu(walk, "secret")
        assert "Client secret" in [entry.label for entry in screen.entries]
        assert not [one for one in screen._index.find("e") if "s3cr3t" in f"{one.label}{one.help}{one.words}"]
        await walk.press(*["backspace"] * 6, *"s3cr3t")
        await walk.sees("Nothing matches.")


async def test_a_page_key_before_a_list_has_a_size_is_no_crash() -> None:
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)):
        options = OptionList("one", "two")
        options.display = False
        await app.screen.mount(options)
        options.highlighted = 0
        options.action_page_down()
        assert options.highlighted == 0


async def test_the_runs_are_found_at_a_step_and_one_can_be_attached_to(home: Path) -> None:
    recording = Recording(home, ago=60)
    recording.to_failure()
    load("churn-xgboost").save(recording.folder / "plan.yml")
    async with wizard(answers()) as walk:
        await pick(walk, "Runs", "runs")
        await walk.sees("Runs on this machine", "churn-endpoint-01")
        await walk.press("enter")
        await walk.sees("Edit opens its plan")
        await walk.press("enter")
        await walk.until(lambda: at_step(walk, "deploy"), "the run's step")
        await walk.sees("failed")
