"""What can be done with the endpoint under the cursor; most of it opens the dialogs of other features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from textual.binding import Binding
from textual.screen import Screen

from tui.app.dialogs.text_dialog import TextScreen
from tui.app.fleet import texts
from tui.app.state.background import in_background, in_thread
from tui.app.state.questions import READONLY
from tui.app.state.store import Store
from tui.app.textual_patches.newest_size import NewestSize
from tui.plain.arguments.endpoint_lookup import RESOURCE_ID, set_place
from tui.plain.failure import Failure

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface
    from tui.plan.load_save.document import Document

Row = Mapping[str, Any]

ASK_SECONDS = 120


class FleetAction(NamedTuple):
    """An action: its name, key, the label of its button, and what it does."""

    name: str
    key: str
    label: str
    help: str
    changes: bool = False


ACTIONS = (
    FleetAction("troubleshoot", "enter", "Troubleshoot", "Find out what is wrong with this endpoint, and fix it."),
    FleetAction("logs", "l", "Logs", "Follow the logs of its containers."),
    FleetAction("traffic", "t", "Traffic", "Change which share of the calls each deployment gets.", changes=True),
    FleetAction("back", "r", "Roll back", "Restore the traffic split from before the last change.", changes=True),
    FleetAction("diff", "d", "Diff", "What differs from the plan, and who changed it."),
    FleetAction("history", "h", "History", "Who deployed what, and when."),
    FleetAction("remove", "x", "Remove", "Remove a deployment or the endpoint, after a preview.", changes=True),
    FleetAction("portal", "o", "Portal", "The address of this endpoint in Azure's portal, to copy."),
    FleetAction("plan", "i", "Import", "Make a plan of this endpoint, and open it."),
    FleetAction("details", "space", "Details", "Everything that is known about it, and why the rest is not."),
)
"""For the endpoint under the cursor."""
TABLE = (
    FleetAction("sort", "s", "Sort", "Sort by the chosen column; again, the other way round."),
    FleetAction("not_read", "u", "Not read", "What could not be read, and why."),
    FleetAction("filter", "slash", "Filter", "Only the endpoints with some words."),
)
SCREEN = (
    FleetAction("refresh", "f5", "Refresh", "Read everything again."),
    FleetAction("menu", "ctrl+o", "Menu", "Every action."),
    FleetAction("copy", "ctrl+y", "Copy", "Copy all that is known about this endpoint."),
    FleetAction("help", "ctrl+g", "Help", "What this screen shows."),
)
KEYS = {"slash": "/", "ctrl+o": "^o"}  # as they are shown
IN_FOOTER = ("troubleshoot", "logs", "traffic", "sort", "filter", "menu")


def bindings(actions: Sequence[FleetAction]) -> list[Binding]:
    """Return a binding for each action."""
    return [
        Binding(one.key, f"screen.do('{one.name}')", one.label, show=one.name in IN_FOOTER, id=f"fleet.{one.name}",
                key_display=KEYS.get(one.key), tooltip=one.help)
        for one in actions
    ]  # fmt: skip


class RowActions(NewestSize, Screen[None], inherit_bindings=False):
    """A screen with the endpoint `marked`, on which `do` carries out an action."""

    app: AppInterface
    store: Store

    @property
    def marked(self) -> Row | None:
        """The endpoint under the cursor."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Show a sentence; an empty one takes it back."""
        raise NotImplementedError

    def read_again(self, row: Row) -> None:
        """Read an endpoint again, as after a change."""
        raise NotImplementedError

    def action_do(self, name: str) -> None:
        """Carry out an action, or say why not."""
        action = next((one for one in ACTIONS if one.name == name), None)
        row = self.marked
        if action is None:
            getattr(self, f"action_{name}")()
        elif row is None:
            self.say("! There is no endpoint under the cursor.")
        elif action.changes and self.store.readonly:
            self.say(f"! {READONLY}")
        else:
            self.say("")
            in_background(self, partial(getattr(self, f"_{name}"), row), "action")

    def document_of(self, row: Row) -> Document:
        """Return a document that identifies an endpoint, with the fleet's credential."""
        document = self.store.document.copy()
        found = RESOURCE_ID.match(str(row["id"]))
        assert found is not None, row["id"]
        set_place(document, found, "the fleet")
        document.set("endpoint.name", row["endpoint"], "the fleet")
        return document

    async def _store_of(self, row: Row) -> Store:
        """Return a store for one endpoint, which shares the fleet's helper process."""
        fleet = self.store
        document = self.document_of(row)
        document.tree["deployments"] = [{"name": one["name"]} for one in row["deployments"] or ()]
        store = Store(document, environ=fleet.environ, rehearse=fleet.rehearse, helper=await fleet.helper())
        store.saves, store.readonly, store.secrets = False, fleet.readonly, dict(fleet.secrets)
        store.use(fleet.environ)
        return store

    async def _asked(self, row: Row, question: str, busy: str) -> dict[str, Any] | None:
        """Query the helper about an endpoint; show an error and return None."""
        self.say(f"▸ {busy}")
        store = await self._store_of(row)
        answer = await store.answer(question, timeout=ASK_SECONDS, blink=0.15)
        self.say("")
        if answer.error:
            parts = (answer.error.cause, answer.error.remedy, answer.error.raw)
            self._show(f"✖ {answer.error.title}", "\n\n".join(filter(None, parts)))
            return None
        return dict(answer.value or {})

    async def _troubleshoot(self, row: Row) -> None:
        from tui.app.troubleshoot.screen import TroubleshootScreen

        screen = TroubleshootScreen(await self._store_of(row), back=True)
        self.app.push_screen(screen, lambda _: self.read_again(row))

    async def _logs(self, row: Row) -> None:
        from tui.app.fleet.logs_dialog import LogsDialog

        self.app.push_screen(LogsDialog(await self._store_of(row), row))

    def _after(self, row: Row) -> Callable[[bool | None], None]:
        """Return what reads an endpoint again if a dialog changed it."""
        return lambda changed: self.read_again(row) if changed else None

    async def _traffic(self, row: Row, back: bool = False) -> None:
        from tui.app.endpoint_operations.traffic_dialog import TrafficDialog

        self.app.push_screen(TrafficDialog(await self._store_of(row), back=back), self._after(row))

    async def _back(self, row: Row) -> None:
        await self._traffic(row, back=True)

    async def _remove(self, row: Row) -> None:
        from tui.app.endpoint_operations.removal_dialog import RemovalDialog

        self.app.push_screen(RemovalDialog(await self._store_of(row), row), self._after(row))

    async def _diff(self, row: Row) -> None:
        found = await self._asked(row, "diff_of_endpoint", "Comparing the endpoint with the plan that made it")
        if found is not None:
            self._show(f"Changes of {row['endpoint']}", texts.diff(found))

    async def _history(self, row: Row) -> None:
        found = await self._asked(row, "history", "Reading the history")
        if found is not None:
            self._show(f"History of {row['endpoint']}", texts.history(found, str(row["id"])))

    async def _portal(self, row: Row) -> None:
        self._show(f"{row['endpoint']} in the portal", str(row.get("portal_url") or "Its address is not known."))

    async def _details(self, row: Row) -> None:
        self._show(str(row["endpoint"]), texts.everything(row))

    def _show(self, title: str, text: str) -> None:
        self.app.push_screen(TextScreen(title, text, export=True, wide=True))

    async def _plan(self, row: Row) -> None:
        from tui.app.home.open_plan_dialog import open_imported
        from tui.engine.journal.state_folder import plans_folder
        from tui.plain.ask_helper import import_endpoint

        self.say("▸ Importing the endpoint, and its code, into a plan")
        try:
            document = await in_thread(import_endpoint, self.document_of(row), self.store.environ, plans_folder())
        except (Failure, OSError) as failure:
            self.say(f"✖ {failure}")
        else:
            self.say("")
            open_imported(self.app, document, self.store.rehearse)
