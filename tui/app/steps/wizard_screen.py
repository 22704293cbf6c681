"""The screen of the nine steps: shows one pane at a time and moves between them."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Callable, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button

from tui.app.search.found import steps_and_fields
from tui.app.state import deployments
from tui.app.state.background import in_background, in_thread
from tui.app.state.new_files import saved_in
from tui.app.state.store import Store
from tui.app.steps.step_pane import Action, Pane
from tui.app.steps.step_texts import INTROS, ORDER, TITLES
from tui.app.textual_patches.hidden_lines import hide
from tui.app.textual_patches.keys_row import KeysRow
from tui.app.textual_patches.newest_size import NewestSize
from tui.app.widgets.header import HeaderBar, Lead, Rail
from tui.app.widgets.help import HelpBar, SideHelp, Topic
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.screen_keys import MENU, MOVING, give_back
from tui.app.widgets.waiting import Said

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface

WATCH_SECONDS = 4.0  # between two looks at the plan's files
IMPORT_SECONDS = 0.1  # after which the following steps are imported: not while the first one is drawn
WRONG = "! Something here needs attention."


class WizardScreen(NewestSize, Screen[None], inherit_bindings=False):
    """Shows the header, the rail, the step's pane, the help, Back and Next, and the footer."""

    app: AppInterface

    BINDINGS: ClassVar = [
        *MOVING,
        Binding("pageup", "back", "Back", key_display="PgUp", id="step.back", tooltip="Go to the previous step."),
        Binding("pagedown", "next", "Next", key_display="PgDn", id="step.next", tooltip="Go to the next step."),
        Binding("ctrl+g", "help", "Help", key_display="^g", id="help.field",
                tooltip="Help for the focused field or widget."),
        Binding("ctrl+y", "copy", "Copy", key_display="^y", id="copy", tooltip="Copy the focused value."),
        MENU,
        Binding("ctrl+c", "app.leave", "Quit", key_display="^c", priority=True, id="step.leave",
                tooltip="Quit; a run in progress can continue without the wizard."),
        Binding("escape", "to_buttons", "Buttons", show=False, id="step.out",
                tooltip="Move from a table, log or field to the button Next."),
    ]  # fmt: skip

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-rail"), (120, "-wide"), (140, "-side")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, store: Store, step: str = "credentials") -> None:
        super().__init__(name="wizard")
        self.store = store
        self.step = step
        self.return_to: str | None = None
        self._file = store.file
        self._panes: dict[str, Pane] = {}
        self._moving: asyncio.Event | None = None  # set when leaving the step, or what was chosen, has ended
        self._showing = asyncio.Lock()  # one step at a time
        self._stayed = self._looking = False
        # Kept, because messages still arrive while the screen is being removed.
        self._header, self._rail = HeaderBar(store), Rail(store)
        self._help_bar, self._side_help = HelpBar(), SideHelp()
        self._lead_row, self._lead = Horizontal(id="lead-row"), Lead(store)
        self._buttons, self._said = Horizontal(id="buttons"), ""
        self._asked = False  # where to save, since another program has changed the file
        self._status_line = Said(id="status")

    def compose(self) -> ComposeResult:
        yield self._header
        with Horizontal(id="middle"):
            yield self._rail
            with Vertical(id="centre"):
                with self._lead_row:
                    yield self._lead
                    # Every key's action is also available with Tab and Enter.
                    yield Button("Menu", id="open-menu", compact=True, action="app.menu",
                                 tooltip=MENU.tooltip)  # fmt: skip
                with Vertical(id="body"):
                    yield self._make(self.step)
            yield self._side_help
        yield self._help_bar
        with self._buttons:
            yield self._status_line
            yield Button("", id="extra", compact=True)
            yield Button("Back", id="back", compact=True)
            yield Button("Next", id="next", compact=True, variant="primary")
        yield KeysRow()

    async def on_mount(self) -> None:
        self._unlisten = self.store.listen(self._changed)
        self.set_interval(WATCH_SECONDS, self._watch)
        await self.show_step(self.step)
        self.set_timer(IMPORT_SECONDS, self._import_following)

    def _on_prune(self) -> None:
        """Stop listening to the store before the first widget is removed."""
        self._unlisten()

    def _changed(self, names: frozenset[str]) -> None:
        if "preparing" in names and self.store.prepare_problem:
            self.set_status("! The rehearsal did not start: see ctrl+o.")
            self._show_prepare_problem()
        self._header.heard(names)
        if "states" in names:
            self._rail.refresh()
            if self._said == WRONG and self.pane is not None and self.pane.first_error() is None:
                self.set_status("")
        if "saved" in names:
            if self.store.outdated and not self._asked:
                self._save_as()
            self._asked = self.store.outdated
        if self.store.states.must_check_plan(names):
            in_background(self, self.store.states.check_plan_soon, "states", exclusive=False)

    def _watch(self) -> None:
        """Show how old the step's answers are, and read them again where another program has changed a file."""
        self._lead.tell()
        if self.step in ("model", "review"):
            in_background(self, self.store.fresh.look_at_files, "files", exclusive=False)

    def _show_prepare_problem(self) -> None:
        if self.pane is not None:
            text = f"{self.store.prepare_problem}\n\nTo try again: ctrl+o, Restart the rehearsal."
            self.pane.show_text("The rehearsal did not start", text)

    # Moving between steps

    @property
    def pane(self) -> Pane | None:
        """The current pane."""
        return self._panes.get(self.step)

    def _make(self, step: str) -> Pane:
        module = import_module(f"tui.app.steps.{step}.pane")  # when the step is first shown
        pane: Pane = getattr(module, f"{step.capitalize()}Pane")(self.store)
        self._panes[step] = pane
        return pane

    async def show_step(self, step: str, key: str | None = None) -> None:
        """Show a step; with `key`, focus that field. One that is still being shown comes first."""
        if self._looking:  # another step was chosen before validation finished: do not wait for it
            self.workers.cancel_group(self, "next")
        async with self._showing:
            await self._show_step(step, key)

    async def _show_step(self, step: str, key: str | None) -> None:
        before = self._panes.get(self.step) if self.step != step else None
        if before is not None:
            before.leave()
            hide(before)
            self.store.save()
        self.step = step
        pane = self._panes.get(step)
        if pane is None:
            pane = self._make(step)
            await self.query_one("#body").mount(pane)
        pane.catch_up()
        pane.display = True
        for widget in (self._help_bar, self._lead_row, self._buttons):
            widget.set_class(pane.roomy, "-roomy")
        self._header.step = self._rail.step = step
        self.store.fresh.discard_old(pane.reads, step)
        self._lead.show(pane.step, pane.reads)
        before_it, self._file = self._file, self.store.file  # where the plan is saved is said the first time
        self.set_status(saved_in(self._file) if self._file is not None and not before_it else "")
        self._label(pane)
        self._watch()
        pane.arrive()
        pane.look_at_step()
        self.store.states.visit(step)
        if key is not None:
            await pane.show_field(key)
        else:
            (pane.landing() or self.query_one("#next", Button)).focus()

    def _import_following(self) -> None:
        """Import the steps up to Deploy in the background, so that no key is delayed; Test's editor takes 1 MB."""
        following = [f"tui.app.steps.{step}.pane" for step in ORDER[ORDER.index(self.step) + 1 : -1]]
        in_background(self, partial(in_thread, lambda: [import_module(name) for name in following]), "import")

    def _label(self, pane: Pane) -> None:
        self.query_one("#next", Button).label = "Done" if self.return_to else pane.next_label
        extra = self.query_one("#extra", Button)
        extra.label = pane.extra_label
        extra.display = bool(pane.extra_label)
        for button in self.query("#buttons Button"):
            button.refresh(layout=True)
        self.query_one("#back", Button).disabled = self.step == ORDER[0] and not self.return_to

    def set_status(self, text: str) -> None:
        """Show a status line next to the buttons; an empty text shows the keys of the focused field."""
        self._said = text
        self._status_line.update(text or Content.styled(self.topic().keys, "$text-muted"), layout=False)

    @on(TextInput.Dropped)
    def _dropped(self, event: TextInput.Dropped) -> None:
        self.set_status(event.words)

    @on(Button.Pressed, "#back")
    async def action_back(self) -> None:
        """Go to the previous step, or back to the one that asked for an edit."""
        if self.return_to:
            step, self.return_to = self.return_to, None
            await self.show_step(step)
        elif self.step != ORDER[0]:
            await self.show_step(ORDER[ORDER.index(self.step) - 1])

    def action_next(self) -> None:
        """Go to the next step, or move the focus to the first invalid value."""
        self._go_on(pressed=False)

    @on(Button.Pressed, "#next")
    def _next_pressed(self) -> None:
        self._go_on(pressed=True)

    def _go_on(self, pressed: bool) -> None:
        if self._moving is None:  # ignore Next while the step is already being left
            self._moving = asyncio.Event()
            in_background(self, partial(self._next, pressed, self._moving), "next")

    async def _next(self, pressed: bool, done: asyncio.Event) -> None:
        try:
            self._stayed = not await self._left_step(pressed)
        finally:
            self._moving = None
            done.set()

    async def moved(self) -> bool:
        """Wait until Next has been processed; return False if the step stayed because of an error.

        Keys typed after Next were meant for the next step: neither its letters nor its Enter may reach this one.
        """
        if self._moving is not None:
            await self._moving.wait()
        stayed, self._stayed = self._stayed, False
        return not stayed

    async def _left_step(self, pressed: bool) -> bool:
        """Go to the next step; return False if an error prevents that."""
        pane = self.pane
        if pane is None:
            return False
        self._looking = True
        try:
            await pane.validate()
        finally:
            self._looking = False
        if (wrong := pane.first_error()) is not None:
            wrong.focus()
            self.set_status(WRONG)
            return False
        if self.return_to:
            await self.action_back()
            return True
        if await pane.advance(pressed) and self.step == pane.step and self.step != ORDER[-1]:
            await self.show_step(ORDER[ORDER.index(self.step) + 1])
            return True
        return False

    @on(Button.Pressed, "#extra")
    async def _extra_pressed(self) -> None:
        if self.pane is not None:
            await self.pane.extra()
            self._label(self.pane)

    @on(Pane.GoTo)
    async def _go_to(self, event: Pane.GoTo) -> None:
        self.return_to = self.step if ORDER.index(event.step) < ORDER.index(self.step) else None
        await self.show_step(event.step, event.key)

    @on(Pane.Relabel)
    def _relabel(self) -> None:
        if self.pane is not None:
            self._label(self.pane)

    @on(Pane.Status)
    def _status(self, event: Pane.Status) -> None:
        self.set_status(event.text)

    @on(Pane.Leave)
    def _leave(self) -> None:
        in_background(self.app, partial(self.app.run_action, "leave"), "leave")

    # Help, menu, copying

    def topic(self) -> Topic:
        """Return the help of the focused widget, or else of the step."""
        for node in self.focused.ancestors_with_self if self.focused else ():
            if node is self:
                break
            ask = getattr(node, "topic", None)
            found = ask() if callable(ask) else None
            if isinstance(found, Topic):
                return found
        return Topic(TITLES[self.step], INTROS[self.step])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        give_back(event.widget._bindings)
        self.show_help()

    def show_help(self) -> None:
        """Show the help of the focused widget."""
        topic = self.topic()
        self._help_bar.show(topic)
        self._side_help.show(topic)
        if not self._said:
            self.set_status("")

    def action_help(self) -> None:
        """Show the complete help of the focused widget in a dialog."""
        from tui.app.dialogs.text_dialog import TextScreen

        topic = self.topic()
        self.app.push_screen(TextScreen(topic.title, topic.full(title=False)))

    def action_copy(self) -> None:
        """Copy the value of the focused field, or the pane's text; never a secret."""
        from textual.widgets import Input

        focused, text = self.focused, None
        if isinstance(focused, Input) and not focused.password:
            text = focused.selected_text or focused.value
        if not text and self.pane is not None:
            text = self.pane.copied_text()
        if text:
            self.app.copy_to_clipboard(text)
        self.set_status("Copied to the terminal's clipboard." if text else "Nothing to copy here.")

    def action_to_buttons(self) -> None:
        """Move the focus to Next."""
        self.query_one("#next", Button).focus()

    def perform(self, action: Action) -> None:
        """Do what was chosen in the menu."""
        self._moving = self._moving or asyncio.Event()  # keys typed ahead are meant for what the action shows
        self.call_later(self._perform, action, self._moving)

    async def _perform(self, action: Action, done: asyncio.Event) -> None:
        try:
            shown = action.run()
            if inspect.isawaitable(shown):
                await shown
        finally:
            self._moving = None
            done.set()

    def menu(self) -> list[Action]:
        """Return all actions available at this step, the other steps with theirs, and all fields."""
        return [
            *(self.pane.actions() if self.pane is not None else ()),
            Action("Show this step as az CLI and YAML", "The equivalent Azure CLI commands.", self._show_code),
            Action("Help", "Help for the focused field (ctrl+g).", self.action_help),
            Action("Copy", "The focused value, or what this step shows (ctrl+y).", self.action_copy),
            Action("References", "Check that the plan's variables and secrets can be read.", self._references),
            Action("Save the plan as", "To a file of your choice.", self._save_as),
            *(deployments.found_elsewhere(self.store, self._go) if self.step != "endpoint" else ()),
            *steps_and_fields(self._go, self.step),
        ]

    async def _go(self, step: str, key: str | None = None, then: str | Callable[[], object] = "") -> None:
        self.return_to = None
        await self.show_step(step, key)
        if then:
            self.call_later(getattr(self.pane, then) if isinstance(then, str) else then)

    def _show_code(self) -> None:
        from tui.app.steps.as_cli import as_code

        if self.pane is not None:
            self.pane.show_text(f"{TITLES[self.step]} as az CLI and YAML", as_code(self.step, self.store))

    def _references(self) -> None:
        from tui.app.dialogs.references import ReferencesScreen

        self.app.push_screen(ReferencesScreen(self.store))

    def _save_as(self) -> None:
        from tui.app.dialogs.save_as import SaveAsScreen

        self.app.push_screen(SaveAsScreen(self.store), self._saved)

    def _saved(self, path: Path | None) -> None:
        if path is not None:
            self.set_status(f"The plan is {path}")
