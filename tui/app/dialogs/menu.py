"""The menu: everything that can be done at this step, in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Protocol

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Dialog
from tui.app.steps.step_pane import Action, Pane
from tui.app.steps.step_texts import LEADS, ORDER, TITLES
from tui.app.widgets.inputs import TextInput

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tui.app.app_interface import AppInterface
    from tui.app.state.store import Store

BELOW = 4  # rows: the frame, and the sentence below the list
WIDTH = 70  # columns of the list, with a scroll bar, in a terminal of 80


class Walk(Protocol):
    """The screen that the menu was opened on, as far as the menu needs it."""

    store: Store
    step: str
    return_to: str | None

    @property
    def pane(self) -> Pane | None: ...
    async def show_step(self, step: str) -> None: ...
    def set_status(self, text: str) -> None: ...
    def action_help(self) -> None: ...
    def action_copy(self) -> None: ...
    def call_later(self, callback: Callable[[], Any]) -> bool: ...
    def run_worker(self, work: Coroutine[Any, Any, None], *, group: str, exclusive: bool) -> object: ...


class MenuScreen(Dialog[None]):
    """Lists actions; Enter carries one out."""

    app: AppInterface

    def __init__(self, wizard: Walk) -> None:
        super().__init__()
        self.wizard = wizard
        self.entries: list[Action] = []

    def _actions(self) -> list[Action]:
        wizard = self.wizard
        pane = wizard.pane
        found = list(pane.actions()) if pane is not None else []
        found += [
            Action("Show this step as az CLI and YAML", "With Azure's own command line.", self._as_code),
            Action("Help", "About what has the focus (ctrl+g).", wizard.action_help),
            Action("Copy", "What has the focus, or what this step shows (ctrl+y).", wizard.action_copy),
            Action("References", "Whether variables and secrets that the plan names can be read.", self._references),
            Action("Save the plan as", "To a file of your choice.", self._save_as),
        ]
        for number, step in enumerate(ORDER, 1):
            if step != wizard.step:
                lead = LEADS[step][:1].upper() + LEADS[step][1:]
                found.append(Action(f"Go to step {number}, {TITLES[step]}", f"{lead}.", self._goer(step)))
        if wizard.store.prepare_problem:
            found.insert(0, Action("Start the rehearsal again", "It did not answer.", self.app.prepare_again))
        found += [
            Action("Other colours", "Dark instead of light, or back.", self._toggle_theme),
            Action("First screen", "Runs, presets and recent plans.", self._home),
            Action("Leave", "Leave the wizard (ctrl+c).", self._leave),
        ]
        return found

    def compose(self) -> ComposeResult:
        self.entries = self._actions()
        wide = max(cell_len(entry.label) for entry in self.entries) + 2
        with Vertical(classes="dialog -menu") as dialog:
            dialog.border_title = "Menu"
            dialog.border_subtitle = "Enter does it, Esc closes"
            yield OptionList(
                *(Option(_line(entry, wide), id=f"entry-{number}") for number, entry in enumerate(self.entries)),
            )
            yield Static(self.entries[0].help, id="menu-about", markup=False)

    def on_resize(self) -> None:
        """Leave the rows below the list to the marked one's sentence."""
        self.query_one(OptionList).styles.max_height = max(4, self.app.size.height - BELOW)

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one("#menu-about", Static).update(self.entries[event.option_index].help)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        entry = self.entries[event.option_index]
        self.dismiss(None)
        self.wizard.call_later(entry.run)

    def _goer(self, step: str) -> Callable[[], object]:
        def go() -> object:
            self.wizard.return_to = None
            return self.wizard.run_worker(self.wizard.show_step(step), group="go", exclusive=True)

        return go

    def _as_code(self) -> None:
        from tui.app.dialogs.text_dialog import TextScreen
        from tui.app.steps.as_cli import as_code

        step = self.wizard.step
        text = as_code(step, self.wizard.store)
        self.app.push_screen(TextScreen(f"{TITLES[step]} as az CLI and YAML", text, export=True, wide=True))

    def _references(self) -> None:
        from tui.app.dialogs.references import ReferencesScreen

        self.app.push_screen(ReferencesScreen(self.wizard.store))

    def _save_as(self) -> None:
        self.app.push_screen(SaveAsScreen(self.wizard))

    def _toggle_theme(self) -> None:
        self.app.toggle_theme()

    def _home(self) -> None:
        self.wizard.store.save()
        self.app.call_later(self.app.go_home)

    def _leave(self) -> None:
        self.app.run_worker(self.app.run_action("leave"), group="leave", exclusive=True)


def _line(entry: Action, wide: int) -> Content:
    """Label and sentence in one row; the marked one's sentence is below the list, whole."""
    about = Content(entry.help).truncate(max(20, WIDTH - wide), ellipsis=True).stylize("$text-muted")
    return Content.assemble(set_cell_size(entry.label, wide), about)


class SaveAsScreen(Dialog[None]):
    """Asks for a file and writes the plan there."""

    def __init__(self, wizard: Walk) -> None:
        super().__init__()
        self.wizard = wizard

    def compose(self) -> ComposeResult:
        suggested = self.wizard.store.file or Path.cwd() / "plan.yml"
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Save the plan as"
            yield Static(
                "The plan goes into this YAML file; references such as ${env:NAME} are kept, secrets never written.",
                classes="says",
                markup=False,
            )
            yield TextInput(str(suggested), id="file")
            yield Static("", id="said", classes="says", markup=False)
            with Horizontal(classes="row"):
                yield Button("Save", id="save", compact=True, variant="primary")
                yield Button("Cancel", id="cancel", compact=True)

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        path = Path(self.query_one("#file", TextInput).value.strip()).expanduser()
        problem: str | None = None
        if path.suffix not in (".yml", ".yaml"):
            problem = "A plan is a YAML file; give it a name that ends in .yml."
        else:
            try:
                self.wizard.store.save_as(path.resolve())
            except OSError as error:
                problem = f"It cannot be written there: {error.strerror or error}."
        if problem:
            self.query_one("#said", Static).update(f"✖ {problem}")
            return
        self.dismiss(None)
        self.wizard.set_status(f"Saved to {path}")

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
