"""The screen of the fleet: all endpoints in one table, which fills while Azure answers and refreshes by itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from tui.app.dialogs.text_dialog import TextScreen
from tui.app.fleet import texts
from tui.app.fleet.row_actions import ACTIONS, ASK_SECONDS, KEYS, SCREEN, TABLE, Row, RowActions, bindings
from tui.app.fleet.table import FleetTable
from tui.app.state.answers import Answer, explained
from tui.app.state.background import in_background
from tui.app.state.questions import READONLY
from tui.app.state.store import Store
from tui.app.steps.step_pane import Action
from tui.app.text.formatting import count
from tui.app.textual_patches.keys_row import KeysRow
from tui.app.widgets.header import badge
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.screen_keys import MOVING
from tui.app.widgets.waiting import Said
from tui.helper import fleet_report as words

REFRESH_SECONDS = 30.0
UNSEEN_SECONDS = 300.0  # between two refreshes while another window has the focus
MARK_SECONDS = 60.0  # that a change is marked at least: a read that follows at once must not take the mark away
PAINT_SECONDS = 0.3  # what arrives within this time is painted together
ROOMY = 34  # rows from which the row under the cursor gets more lines


class FleetScreen(RowActions, inherit_bindings=False):
    """Shows all endpoints that the identity may see; `store` only has the credential."""

    BINDINGS: ClassVar = [
        *MOVING,
        *bindings(SCREEN),
        Binding("left", "app.focus_previous", "Left", show=False, id="fleet.before", tooltip="The button before."),
        Binding("right", "app.focus_next", "Right", show=False, id="fleet.after", tooltip="The button after."),
        Binding("down", "to_table", "Table", show=False, id="fleet.table", tooltip="Go to the table."),
        Binding("ctrl+c", "app.leave", "Quit", show=False, priority=True, id="fleet.leave", tooltip="Quit."),
        Binding("escape", "out", "Out", show=False, id="fleet.out", tooltip="End the filter, or go to the buttons."),
    ]  # fmt: skip

    def __init__(self, store: Store, subscriptions: Sequence[str] = (), workspaces: Sequence[str] = ()) -> None:
        super().__init__(name="fleet-screen")
        self.store = store
        self.rows: dict[str, Row] = {}
        self.workspaces: dict[str, dict[str, Any]] = {}
        self._only = {"subscriptions": list(subscriptions), "workspaces": list(workspaces)}
        self._before: dict[str, tuple[float, Row]] = {}  # when a marked row changed, and what it was
        self._notes: list[str] = []
        self._unseen: list[dict[str, Any]] = []
        self._order = ("health", False)
        self._reading = self._once_more = False
        self._read_at = 0.0
        self._said = self._problem = self._matching = self._when = ""
        self._said_of: Row | None = None
        self._painting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="fleet-top"):
            yield Static(id="fleet-title", markup=False)
            yield TextInput(placeholder="filter ( / )", id="fleet-filter", tooltip="Only the rows with these words")
        yield Said(id="fleet-said")
        yield FleetTable(id="fleet")
        yield Static(id="fleet-details", markup=False)
        for name, actions in (("fleet-actions", ACTIONS[:7]), ("buttons", (*ACTIONS[7:], *TABLE[:2], *SCREEN[:2]))):
            with Horizontal(id=name, classes="fleet-buttons"):
                for one in actions:
                    yield Button(one.label, id=f"do-{one.name}", compact=True, tooltip=one.help,
                                 action=f"screen.do('{one.name}')")  # fmt: skip
                if name == "buttons":
                    yield Button("Home", id="home", compact=True, action="screen.home", tooltip="Back to home")
        yield KeysRow()

    def on_mount(self) -> None:
        self.table.focus()
        self.read()
        self._paint()
        self.set_interval(REFRESH_SECONDS, self._tick)
        self._unlisten = self.store.listen(lambda names: self._paint() if "preparing" in names else None)

    def _on_prune(self) -> None:
        self._unlisten()

    def on_resize(self) -> None:
        self.set_class(self.app.size.height >= ROOMY, "-roomy")
        self.call_after_refresh(self._explain)

    @property
    def table(self) -> FleetTable:
        """The table."""
        return self.query_one(FleetTable)

    @property
    def marked(self) -> Row | None:
        return self.table.marked

    # Reading

    def _tick(self) -> None:
        unseen = not self.app.app_focus and time.monotonic() - self._read_at < UNSEEN_SECONDS
        if self.app.screen is self and not unseen:
            self.read()

    def read(self, fresh: bool = False) -> None:
        """Refresh what is old, or everything; the latter after a refresh that is already in progress."""
        if self._reading:
            self._once_more |= fresh
        else:
            self._reading, self._once_more = True, False
            in_background(self, partial(self._read, fresh), "read")

    async def _read(self, fresh: bool) -> None:
        for key in [key for key, (when, _) in self._before.items() if time.monotonic() - when >= MARK_SECONDS]:
            del self._before[key]
            if key in self.rows:
                self.rows[key] = {**self.rows[key], "changed": []}
        self._show_head()
        answer = await self.store.answer(
            "fleet", timeout=ASK_SECONDS, blink=0.0, part=self.take, fresh=fresh, endpoints=[], **self._only
        )
        self._reading, self._read_at = False, time.monotonic()
        self.table.settled = True
        self._ended(answer)
        if not answer.error:
            self._unseen = list(answer.value.get("unseen") or ())
            self._when = f", read {datetime.now().astimezone():%H:%M:%S %Z}"
        self._paint()
        if self._once_more:
            self.call_later(self.read, fresh=True)

    def _ended(self, answer: Answer) -> None:
        """Show the error of a read, or take back that of an earlier one."""
        before, self._problem = self._problem, f"✖ {explained(answer.error)}" if answer.error else ""
        if self._problem or self._said == before:
            self.say(self._problem)

    def read_again(self, row: Row) -> None:
        self.say(f"▸ Reading {row['endpoint']} again")
        in_background(self, partial(self._read_one, str(row["id"])), "read-one", exclusive=False)

    async def _read_one(self, key: str) -> None:
        answer = await self.store.answer("fleet", timeout=ASK_SECONDS, blink=0.0, part=self.take, fresh=True,
                                         endpoints=[key], **self._only)  # fmt: skip
        self.say("")
        self._ended(answer)

    def take(self, part: dict[str, Any]) -> None:
        """Take a part of the answer: an endpoint, a workspace, an endpoint that is gone, a note."""
        kind, key = part.get("kind"), str(part.get("id"))
        if kind == "workspace":
            self.workspaces[key] = part
        elif kind == "note" and part["text"] not in self._notes:
            self._notes.append(part["text"])
        elif kind == "gone":
            self.rows.pop(key, None)
        else:  # a row, whose kind is that of the endpoint in Azure
            before = self.rows.get(key)
            if before is not None and part.get("pending") and not before.get("pending"):
                return  # what is known stays until everything is known again
            if before is not None and part.get("changed") and not before.get("pending"):
                self._before.setdefault(key, (time.monotonic(), before))
            if before is not None and key in self._before:
                part = {**part, "changed": sorted({*before.get("changed", ()), *part.get("changed", ())})}
            self.rows[key] = part
        if self._painting is None and self.is_mounted:
            self._painting = self.set_timer(PAINT_SECONDS, self._paint)

    # Showing

    def _paint(self) -> None:
        if self._painting is not None:
            self._painting.stop()
            self._painting = None
        wanted = self.query_one("#fleet-filter", Input).value
        rows = [row for row in self.rows.values() if not wanted.strip() or words.matches(row, wanted)]
        if self.rows and not rows:
            self.table.empty_text = "No endpoint matches the filter; Esc ends it."
        else:
            self.table.empty_text = (
                "" if self._reading or self._problem else "There is no endpoint that this identity may see."
            )
        self._matching = (
            f"{len(rows):,} of {count(len(self.rows), 'endpoint')} match the filter" if wanted.strip() else ""
        )
        self.table.show(words.order(rows, *self._order), *self._order)
        self._show_head()

    def _show_head(self) -> None:
        """Show where this is, the numbers, and how far the reading is."""
        read = [one for one in self.workspaces.values() if one["state"] == "read"]
        of = "" if len(read) == len(self.workspaces) else f"{len(read)} of "
        summary = f"{count(len(self.rows), 'endpoint')} in {of}{count(len(self.workspaces), 'workspace')}{self._when}"
        if not self._when:
            done = sum(1 for one in self.workspaces.values() if one["state"] != "reading")
            summary = f"▸ reading {done} of {count(len(self.workspaces), 'workspace')}"
            if not self.workspaces:
                summary = f"▸ {self.store.preparing or 'reading the subscriptions'}"
            if not self._reading:
                summary = "✖ not everything was read"
        self.query_one("#fleet-details").border_title = summary
        where = badge(self.store.rehearse, self.store.environ, self.store.readonly)
        title = Content.assemble(("aml-deploy", "bold"), "  ", where)
        self.query_one("#fleet-title", Static).update(title, layout=False)
        counted = Counter(str(row["health"]) for row in self.rows.values())
        parts = ", ".join(f"{counted[word]} {word}" for word in words.HEALTH if counted[word])
        if parts and self._reading and not self._when:
            parts = f"{summary}: {parts}"
        self.query_one("#fleet-said", Static).update(self._said or self._matching or parts or summary, layout=False)
        button = self.query_one("#do-not_read", Button)
        failed = len(self._failed())
        label = f"Not read ({failed})" if failed else "Not read"
        if str(button.label) != label:
            button.label = label
            button.refresh(layout=True)

    def _failed(self) -> list[str]:
        text = texts.not_read(list(self.workspaces.values()), self._unseen, self._notes)
        return text.split("\n\n") if text else []

    def say(self, text: str) -> None:
        self._said, self._said_of = text, self.marked
        if self.is_mounted:
            self._show_head()

    @on(TextInput.Dropped)
    def _dropped(self, event: TextInput.Dropped) -> None:
        self.say(event.words)

    @on(FleetTable.Marked)
    def _explain(self) -> None:
        area, row = self.query_one("#fleet-details", Static), self.marked
        lines = []
        if self._said[:1] in ("!", "✖") and (row or {}).get("id") != (self._said_of or {}).get("id"):
            self.say("")  # it was about another endpoint
        if row is not None:
            size = area.content_size
            lines = texts.explained(row, self._before.get(str(row["id"]), (0, None))[1], size.width, size.height)
        area.update("\n".join(lines), layout=False)

    # Actions

    def action_sort(self) -> None:
        """Sort by the chosen column; if that is so already, the other way round. Goes to the first row."""
        key = self.table.column
        self._order = (key, key == self._order[0] and not self._order[1])
        self._paint()
        self.table.action_move(-len(self.rows))

    def action_filter(self) -> None:
        """Go to the filter."""
        self.query_one("#fleet-filter").focus()

    @on(Input.Changed, "#fleet-filter")
    def _filter(self) -> None:
        if self._painting is None:
            self._painting = self.set_timer(PAINT_SECONDS, self._paint)

    @on(Input.Submitted, "#fleet-filter")
    def action_to_table(self) -> None:
        """Go to the table."""
        self.table.focus()

    def action_out(self) -> None:
        """End the filter, or go from the table to the buttons and back."""
        field = self.query_one("#fleet-filter", Input)
        if field.value or not self.table.has_focus:
            field.value = ""
            self.table.focus()
        else:
            self.query_one("#home").focus()

    def action_home(self) -> None:
        """Go home."""
        self.app.go_home()

    def action_refresh(self) -> None:
        """Read everything again."""
        self.say("")
        self.read(fresh=True)

    def action_not_read(self) -> None:
        """Show what could not be read, and why."""
        text = "\n\n".join(self._failed()) or "Everything was read."
        unknown = words.unknowns(list(self.rows.values()))
        if unknown:
            text += "\n\nUnknown cells:\n" + "\n".join(f"  {line}" for line in unknown)
        self.app.push_screen(TextScreen("Not read", text, export=True, wide=True))

    def action_copy(self) -> None:
        """Copy all that is known about the endpoint under the cursor."""
        if self.marked is not None:
            self.app.copy_to_clipboard(texts.everything(self.marked))
            self.say("Copied to the terminal's clipboard.")

    def action_help(self) -> None:
        """Show the help of this screen."""
        self.app.push_screen(TextScreen("Endpoints", texts.HELP, wide=True))

    def action_menu(self) -> None:
        """Open the menu."""
        self.app.action_menu()

    def menu(self) -> list[Action]:
        """Return all actions, and the rows, to which the cursor goes."""
        refused = f"{READONLY} " if self.store.readonly else ""
        found = [
            Action(one.label, f"{refused if one.changes else ''}{one.help} ({KEYS.get(one.key, one.key)})",
                   partial(self.action_do, one.name))
            for one in (*ACTIONS, *TABLE, *SCREEN)
            if one.name != "menu"
        ]  # fmt: skip
        for key, row in self.rows.items():
            about = f"Go to this endpoint: {row['health']}, workspace {row['workspace']}."
            found.append(Action(str(row["endpoint"]), about, partial(self._find, key), "endpoint", listed=False))
        return found

    def _find(self, key: str) -> None:
        """Go to a row, which the filter may hide."""
        self.query_one("#fleet-filter", Input).value = ""
        self._paint()
        self.table.mark(key)
        self.table.focus()
