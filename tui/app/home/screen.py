"""The first screen: runs that are not finished, presets, recent plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.state.background import in_thread
from tui.app.textual_patches.keys_row import KeysRow
from tui.app.textual_patches.newest_size import NewestSize
from tui.app.widgets.screen_keys import MOVING
from tui.plan.presets import presets
from tui.plan.problems import PlanInvalid

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface
    from tui.app.troubleshoot.endpoint_lookup import FoundEndpoint
    from tui.engine.journal.runs import Run
    from tui.plan.load_save.document import Document

BEGIN = (
    "Takes a trained model to a managed online endpoint behind a private endpoint. "
    "Begin with a preset: nothing is created before step 7, Review."
)
BEGIN_REHEARSAL = (
    "A stand-in for Azure on this machine answers; the inference servers are real. "
    "Begin with a preset: nothing in Azure is touched."
)
UNFINISHED = ("running", "interrupted", "failed")
ROOMY = 30  # rows of a terminal that has some to spare
ABOVE_AND_BELOW = 8  # rows that the list does not have


@dataclass(frozen=True)
class Entry:
    """A line to choose: a run to come back to, a plan (a preset's name, a file), or something to do."""

    title: str
    about: str
    plan: str = ""
    run: Any | None = None
    does: str = ""


OTHERS = (
    Entry("Open a plan file", "one of your own", does="open"),
    Entry("Import az ml YAML", "endpoint.yml and deployment.yml become a plan", does="import"),
    Entry("Troubleshoot an endpoint", "what is wrong with one, and mending it", does="troubleshoot"),
)


class HomeScreen(NewestSize, Screen[None], inherit_bindings=False):
    """Where to begin."""

    app: AppInterface

    BINDINGS: ClassVar = [
        *MOVING,
        Binding("ctrl+g", "help", "Help", key_display="^g", id="home.help", tooltip="What this program does."),
        Binding("ctrl+c", "app.leave", "Leave", key_display="^c", priority=True, id="home.leave",
                tooltip="Leave the wizard."),
        Binding("escape", "to_quit", "Out", show=False, id="home.out", tooltip="Leave the list for the button."),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__(id="home")
        self.entries: dict[str, Entry] = {}
        self._wide = 0  # of the titles' column, in cells
        self._groups: list[tuple[str, list[Entry]]] = []

    def compose(self) -> ComposeResult:
        rehearsal = "rehearsal" if self.app.rehearse else "deploy a model to a private online endpoint"
        yield Static(Content.assemble(("aml-deploy", "bold"), f"  {rehearsal}"), id="home-title")
        yield Vertical(
            Static(BEGIN_REHEARSAL if self.app.rehearse else BEGIN, id="begin", markup=False),
            OptionList(id="entries"),
            Static("", id="about", markup=False),
            classes="home",
        )
        yield Horizontal(
            Static("Enter opens what is marked.", id="status", markup=False),
            Button("Help", id="home-help", compact=True, action="screen.help", tooltip="What this program does."),
            Button("Leave", id="leave", compact=True),
            id="buttons",
        )
        yield KeysRow()

    def on_mount(self) -> None:
        self._fill([], _recent_plans())
        self.query_one(OptionList).focus()
        self.run_worker(self._look_for_runs(), group="runs", exclusive=True)

    async def _look_for_runs(self) -> None:
        try:
            found = await in_thread(_unfinished)
        except OSError as error:
            self.query_one("#status", Static).update(f"! The state folder cannot be read: {error.strerror or error}.")
            return
        if found:
            self._fill(found, _recent_plans())

    def _fill(self, runs: list[Entry], plans: list[Entry]) -> None:
        offered = [Entry(preset.name, preset.description, plan=preset.name) for preset in presets()]
        groups = (
            ("Runs to come back to", runs),
            ("Presets", offered),
            ("Recent plans", plans),
            ("Other ways to begin", list(OTHERS)),
        )
        self._groups = [(heading, entries) for heading, entries in groups if entries]
        self._wide = max(cell_len(entry.title) for _, entries in self._groups for entry in entries) + 2
        self._show()
        self.query_one(OptionList).action_first()

    def _show(self) -> None:
        """Draw the list; its groups stand apart where there are rows for that."""
        options = self.query_one(OptionList)
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

    def on_resize(self) -> None:
        options = self.query_one(OptionList)
        marked = options.highlighted_option
        self._show()
        if marked is not None and marked.id in self.entries:
            options.highlighted = options.get_option_index(marked.id)
        self.query_one(".home").set_class(self.app.size.height >= ROOMY, "-roomy")

    def _prompt(self, entry: Entry) -> Content:
        """An entry's line: a row each, so that every way to begin is in sight; the marked one's text is below whole."""
        about = Content(entry.about).truncate(max(20, self.app.size.width - self._wide - 8), ellipsis=True)
        return Content.assemble("  ", (set_cell_size(entry.title, self._wide), "bold"), about.stylize("$text-muted"))

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        entry = self.entries.get(str(event.option_id))
        self.query_one("#about", Static).update(entry.about if entry else "")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        entry = self.entries[str(event.option_id)]
        if entry.run is not None:
            self.app.push_screen(RunScreen(entry.run), self._run_answered)
        elif entry.does == "troubleshoot":
            from tui.app.troubleshoot.choose_endpoint import ChooseEndpointDialog

            self.app.push_screen(ChooseEndpointDialog(), self._operate)
        elif entry.does:
            from tui.app.home.open_plan_dialog import ImportScreen, OpenPlanScreen

            screen = ImportScreen() if entry.does == "import" else OpenPlanScreen()
            self.app.push_screen(screen, self._read)
        else:
            self._open(entry.plan)

    def _read(self, document: Document | None) -> None:
        if document is None:
            return
        left_out = getattr(document, "left_out", [])
        if left_out:
            said = "A plan has no place for this; everything else was taken over.\n\n"
            text = said + "\n".join(map(str, left_out))
            screen = TextScreen("Imported, with something left out", text, export=True)
            self.app.push_screen(screen, lambda _: self.app.open(document))
        else:
            self.app.open(document)

    def _operate(self, found: FoundEndpoint | None) -> None:
        if found is not None:
            self.app.operate(found.document, found.rehearsed)

    def _open(self, plan: str) -> None:
        from tui.plan.load_save.load import load

        try:
            self.app.open(load(plan))
        except PlanInvalid as invalid:
            self._say_invalid(invalid)

    def _run_answered(self, answer: tuple[str, Run] | None) -> None:
        if answer is None:
            return
        what, run = answer
        try:
            if what == "attach":
                self.app.attach(run)
            elif what == "edit":
                self._open(str(run.plan))
        except PlanInvalid as invalid:
            self._say_invalid(invalid)
        if what == "discard":
            self.run_worker(self._discard(run), group="runs", exclusive=True)

    async def _discard(self, run: Run) -> None:
        import shutil

        await in_thread(shutil.rmtree, run.folder, True)
        self._fill(await in_thread(_unfinished), _recent_plans())

    def _say_invalid(self, invalid: PlanInvalid) -> None:
        self.app.push_screen(TextScreen("This plan cannot be opened", str(invalid), export=True))

    @on(Button.Pressed, "#leave")
    async def _leave(self) -> None:
        self.app.finish("left")

    def action_to_quit(self) -> None:
        """Put the focus on Leave."""
        self.query_one("#leave", Button).focus()

    def action_help(self) -> None:
        """What this program does."""
        self.app.push_screen(
            TextScreen(
                "aml-deploy",
                "Takes a trained model to a managed online endpoint of Azure Machine Learning that is reachable only "
                "through a private endpoint, tests it, and can roll it back or remove it.\n\n"
                "A plan says what is deployed and where. Choose a preset to begin with: nothing is created before the "
                "step Review, and every value can be changed.\n\n"
                "With --rehearse everything happens against a stand-in for Azure on this machine.",
            )
        )


class RunScreen(Dialog["tuple[str, Run]"]):
    """What to do about a run that is not finished."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run_shown = run

    def compose(self) -> ComposeResult:
        run = self.run_shown
        discard = [] if run.alive else [Button("Discard", id="discard", compact=True)]
        yield Box(
            f"Run {run.id}",
            says(
                f"Endpoint {run.endpoint}, deployment {run.deployment}, {run.status}.\n"
                "Attach follows it, and resumes it when its engine has ended. Edit opens its plan at step 1. Discard "
                "forgets the run on this machine; what it made in Azure stays."
            ),
            buttons(
                Button("Attach", id="attach", compact=True, variant="primary"),
                Button("Edit", id="edit", compact=True),
                *discard,
                close_button(),
            ),
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss((str(event.button.id), self.run_shown))


def _unfinished() -> list[Entry]:
    """Runs that are under way, interrupted or failed, newest first."""
    from tui.engine.journal.runs import runs

    found = []
    for run in runs()[:30]:
        status = run.status
        if status in UNFINISHED:
            kind = ", rehearsed" if run.rehearsed else ""
            began = f"{run.started[:16].replace('T', ' ')} UTC"
            found.append(Entry(run.endpoint, f"{status}{kind}, {began}", run=run))
    return found[:8]


def _recent_plans() -> list[Entry]:
    """Plans in the state folder, the last changed first."""
    from tui.engine.journal.state_folder import plans_folder

    try:
        files = sorted(plans_folder().glob("*.yml"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
    return [Entry(path.stem, _when(path), plan=str(path)) for path in files[:8]]


def _when(path: Path) -> str:
    from datetime import datetime

    return f"saved {datetime.fromtimestamp(path.stat().st_mtime):%Y-%m-%d %H:%M}"
