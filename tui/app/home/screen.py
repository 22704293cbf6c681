"""The home screen: unfinished runs, presets, recent plans."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static
from textual.widgets.option_list import Option

from tui.app.dialogs.text_dialog import TextScreen
from tui.app.home.entries import Entry, recent_plans, unfinished_runs
from tui.app.state.action import Action
from tui.app.state.answers import stay_busy
from tui.app.state.background import in_thread
from tui.app.textual_patches.keys_row import KeysRow
from tui.app.textual_patches.newest_size import NewestSize
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.header import badge
from tui.app.widgets.screen_keys import MENU, MOVING
from tui.app.widgets.waiting import Said
from tui.plan.presets import presets

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface
    from tui.app.troubleshoot.endpoint_lookup import FoundEndpoint
    from tui.engine.journal.runs import Run
    from tui.plan.load_save.document import Document

BEGIN = (
    "Deploys a trained model to a managed online endpoint behind a private endpoint. "
    "Nothing is created before step 7, Review."
)
BEGIN_REHEARSAL = "A local Azure on this machine responds; the inference servers are real. Nothing in Azure is touched."
ENTER = "Enter opens the selected entry."
BLINK_SECONDS = 0.3  # after which it is said that runs are being read
ROOMY = 30  # rows from which the list is spaced out
ABOVE_AND_BELOW = 8  # rows not available to the list


OWN = Entry("Start from a folder", "a model and what belongs to it become a plan", does="new")
OTHERS = (
    Entry("Endpoints", "all that you may see: health, traffic, errors, cost", does="endpoints"),
    Entry("Runs", "all of them: status, workspace, duration, time", does="runs"),
    Entry("Open a plan file", "a YAML file of yours", does="open"),
    Entry("Import into a plan", "an endpoint that exists, or az ml's YAML files", does="import"),
    Entry("Troubleshoot an endpoint", "find out what is wrong, and fix it", does="troubleshoot"),
)


class HomeScreen(NewestSize, Screen[None], inherit_bindings=False):
    """Lists the ways to start."""

    app: AppInterface

    BINDINGS: ClassVar = [
        *MOVING,
        Binding("ctrl+g", "help", "Help", key_display="^g", id="home.help", tooltip="What this program does."),
        MENU,
        Binding("ctrl+c", "app.leave", "Quit", key_display="^c", priority=True, id="home.leave",
                tooltip="Quit the wizard."),
        Binding("escape", "to_quit", "Buttons", show=False, id="home.out", tooltip="Move from the list to the button."),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__(name="home")
        self.entries: dict[str, Entry] = {}
        self._wide = 0  # width of the title column, in cells
        self._groups: list[tuple[str, list[Entry]]] = []
        self._plans: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield Static(id="home-title")
        yield Vertical(
            Static(id="begin", markup=False),
            OptionList(id="entries"),
            Static("", id="about", markup=False),
            classes="home",
        )
        yield Horizontal(
            Said(ENTER, id="status"),
            Button("", id="mode", compact=True, tooltip="Where plans that are opened here are deployed."),
            Button("Help", id="home-help", compact=True, action="screen.help", tooltip="What this program does."),
            Button("Quit", id="leave", compact=True),
            id="buttons",
        )
        yield KeysRow()

    def on_mount(self) -> None:
        self._show_mode()
        self._fill([], [])
        self.query_one(OptionList).focus()
        self._look()

    def _show_mode(self) -> None:
        rehearse = self.app.rehearse
        where = badge(rehearse, self.app.environ, self.app.readonly)
        title = Content.assemble(("aml-deploy", "bold"), "  ", where, " · deploy a model to a private endpoint")
        self.query_one("#home-title", Static).update(title)
        self.query_one("#begin", Static).update(BEGIN_REHEARSAL if rehearse else BEGIN)
        button = self.query_one("#mode", Button)
        button.label = "Switch to Azure" if rehearse else "Switch to rehearsal"
        button.refresh(layout=True)

    @on(Button.Pressed, "#mode")
    def _switch(self) -> None:
        self.app.rehearse = not self.app.rehearse
        self._show_mode()

    @work(group="runs", exclusive=True)
    async def _look(self) -> None:
        """Read the runs, then the plans, whose folders may be slow."""
        said, began = self.query_one("#status", Said), time.monotonic()
        busy = self.set_timer(BLINK_SECONDS, lambda: said.update("▸ Reading runs and plans", layout=False))
        status = ENTER
        try:
            found = await in_thread(unfinished_runs)
            self._fill(found, self._plans)
            self._plans = await in_thread(recent_plans)
            self._fill(found, self._plans)
        except OSError as error:
            status = f"! The state folder cannot be read: {error.strerror or error}."
        finally:
            busy.stop()
        await stay_busy(began, BLINK_SECONDS)
        said.update(status, layout=False)

    def _fill(self, runs: list[Entry], plans: list[Entry]) -> None:
        offered = [Entry(preset.name, preset.description, plan=preset.name) for preset in presets()]
        groups = (
            ("Unfinished runs", runs),
            ("Your own model", [OWN]),
            ("Presets", offered),
            ("Recent plans", plans),
            ("Other ways to start", list(OTHERS)),
        )
        shown = [(heading, entries) for heading, entries in groups if entries]
        if shown == self._groups:
            return
        self._groups = shown
        self._wide = max(cell_len(entry.title) for _, entries in self._groups for entry in entries) + 2
        self._show()

    def _show(self) -> None:
        """Draw the list, with blank rows between its groups if there is room; the same entry stays highlighted."""
        options = self.query_one(OptionList)
        before = self.marked or OWN
        options.clear_options()
        self.entries.clear()
        rows = sum(len(entries) + 2 for _, entries in self._groups) - 1
        apart = rows <= self.app.size.height - ABOVE_AND_BELOW
        for heading, entries in self._groups:
            if self.entries and apart:
                options.add_option(Option("", disabled=True))
            options.add_option(Option(Content.styled(heading, "bold $text-muted"), disabled=True))
            for entry in entries:
                key = f"entry-{len(self.entries)}"
                self.entries[key] = entry
                options.add_option(Option(self._prompt(entry), id=key))
        here = (key for key, entry in self.entries.items() if _same(entry, before))
        options.highlighted = options.get_option_index(next(here, "entry-0"))

    def on_resize(self) -> None:
        self._show()
        self.query_one(".home").set_class(self.app.size.height >= ROOMY, "-roomy")

    def _prompt(self, entry: Entry) -> Content:
        """Return an entry's single row, so that all entries fit; the selected one's full text is shown below."""
        about = Content(entry.about).truncate(max(20, self.app.size.width - self._wide - 8), ellipsis=True)
        return Content.assemble("  ", (set_cell_size(entry.title, self._wide), "bold"), about.stylize("$text-muted"))

    @property
    def marked(self) -> Entry | None:
        """The highlighted entry."""
        option = self.query_one(OptionList).highlighted_option
        return self.entries.get(str(option.id)) if option is not None else None

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        self.query_one("#about", Static).update(self.marked.about if self.marked else "")

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        if self.marked is not None:  # the event's place may be another's: runs and plans may have come
            self._choose(self.marked)

    def _choose(self, entry: Entry) -> None:
        if entry.run is not None:
            from tui.app.home.runs_dialog import RunScreen

            self.app.push_screen(RunScreen(entry.run), self._run_answered)
        elif entry.does == "runs":
            from tui.app.home.runs_dialog import RunsScreen

            self.app.push_screen(RunsScreen(), self._run_answered)
        elif entry.does == "endpoints":
            self.app.fleet()
        elif entry.does == "troubleshoot":
            from tui.app.troubleshoot.choose_endpoint import ChooseEndpointDialog

            self.app.push_screen(ChooseEndpointDialog(), self._operate)
        elif entry.does == "new":
            from tui.app.home.folder_dialog import FolderScreen

            self.app.push_screen(FolderScreen(), self._made)
        elif entry.does:
            from tui.app.home.open_plan_dialog import ImportScreen, OpenPlanScreen

            screen = ImportScreen() if entry.does == "import" else OpenPlanScreen()
            self.app.push_screen(screen, lambda document: self._read(document, screen.rehearsed))
        else:
            self._open(entry.plan)

    def _read(self, document: Document | None, rehearsed: bool | None) -> None:
        from tui.app.home.open_plan_dialog import open_imported

        if document is not None:
            open_imported(self.app, document, rehearsed)

    def _made(self, answer: dict[str, Any] | None) -> None:
        """Show what a new plan rests on, then open it."""
        if answer is not None:
            from tui.plain.commands.new_plan import in_words

            text = "\n".join([*in_words(answer), "", "Written:", *map(str, answer["written"])])
            screen = TextScreen("A plan from your folder", text, export=True, wide=True, closes="Open the plan")
            self.app.push_screen(screen, lambda _: self._open(answer["plan"]))

    def _operate(self, found: FoundEndpoint | None) -> None:
        if found is not None:
            self.app.operate(found.document, found.rehearsed)

    def _open(self, plan: str, rehearse: bool | None = None) -> None:
        from tui.plan.load_save.load import load

        self._attempt(lambda: self.app.open(load(plan), rehearse=rehearse))

    def _attempt(self, to: Callable[[], object]) -> None:
        from tui.app.search.found import attempt  # with all fields: not to start with

        attempt(self.app, to)

    def _run_answered(self, answer: tuple[str, Run] | None) -> None:
        what, run = answer or ("", None)
        if run is None or what == "discarded":
            self._look()  # without an answer too: some may have been discarded in the list
        elif what == "attach":
            self._attempt(partial(self.app.attach, run))
        else:
            self._open(str(run.plan), run.rehearsed)

    @on(Button.Pressed, "#leave")
    async def _leave(self) -> None:
        self.app.finish("left")

    def menu(self) -> list[Action]:
        """Return the ways to start that the list shows; the menu finds plans and runs by itself, at every screen."""
        mode = self.query_one("#mode", Button)
        return [
            *(Action(one.title, one.about, partial(self._choose, one)) for one in (OWN, *OTHERS)),
            Action(str(mode.label), str(mode.tooltip), self._switch, "settings mode"),
            Action("Help", "What this program does (ctrl+g).", self.action_help),
        ]

    def action_to_quit(self) -> None:
        """Move the focus to Quit."""
        self.query_one("#leave", Button).focus()

    def action_help(self) -> None:
        """Show what this program does."""
        self.app.push_screen(
            TextScreen(
                "aml-deploy",
                "Deploys a trained model to an Azure Machine Learning managed online endpoint that is reachable only "
                "through a private endpoint, tests it, and can roll it back or remove it.\n\n"
                "A plan defines what is deployed and where. Start with a folder or a preset: nothing is created before "
                "the step Review, and every value can be changed.\n\n"
                "In rehearsal (the button below the list, or --rehearse), everything runs against a local Azure on "
                "this machine. The first row of every screen says where the open plan or run belongs: AZURE or "
                "rehearsal. A run keeps its mode.",
            )
        )


def _same(one: Entry, other: Entry | None) -> bool:
    """Whether two entries open the same, whatever they tell about it."""
    if other is None:
        return False
    runs = [entry.run.run.id if entry.run else "" for entry in (one, other)]
    return (one.title, one.plan, one.does, runs[0]) == (other.title, other.plan, other.does, runs[1])
