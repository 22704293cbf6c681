"""Deploy: the run as it goes, task by task, with its log; an error in place, with what can be done about it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.app import figures, starting
from tui.app.background import in_thread
from tui.app.follow import RunFollower, Sight
from tui.app.panes.pane import Action, Pane
from tui.app.run_cards import card_of
from tui.app.store import Store
from tui.app.widgets.card import CardView
from tui.app.widgets.run_log import RunLog
from tui.app.widgets.timeline import Timeline, expected_seconds
from tui.engine.view import RunView

LOOK_SECONDS = 0.2
QUIET_LOOK_SECONDS = 0.5
ROWS_FOR_BOTH = 28  # of the pane, for the card above the log

WORDS: dict[str, str] = {
    "starting": "▸ starting",
    "running": "▸ running",
    "succeeded": "✔ succeeded",
    "failed": "✖ failed",
    "blocked": "✖ blocked by the preflight",
    "cancelled": "✖ stopped",
    "interrupted": "! interrupted",
}


class DeployPane(Pane):
    """Follows `store.run`, whether this wizard started it or came to it later."""

    step: ClassVar[str] = "deploy"
    next_label = "Test"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._follower: RunFollower | None = None
        self._unlisten: Any | None = None
        self._settled = ""
        self._links: Content | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="deploy-top"):
            yield Static(id="deploy-head", markup=False)
            yield Button("Stop …", id="deploy-leave", compact=True, tooltip="Stop the run, or leave it going")
        yield Static(id="deploy-links", markup=False)
        yield Timeline(id="timeline")
        yield CardView(id="deploy-card", again="Run again")
        yield RunLog(id="run-log")

    def on_mount(self) -> None:
        """Follow the run that there is, and the next one."""
        self._unlisten = self.store.listen(self._heard)
        self.set_interval(1.0, self._tick)
        self._arrange(card=False)
        self._take_up()

    def on_unmount(self) -> None:
        """Stop listening."""
        if self._unlisten:
            self._unlisten()

    def arrive(self) -> None:
        """Show the newest state."""
        self.screen.add_class("-roomy")
        self._take_up()
        self._show(self.sight)

    def leave(self) -> None:
        """Give the help its rows back."""
        self.screen.remove_class("-roomy")

    def landing(self) -> Widget | None:
        """The table of tasks while it runs; what can be done next when it has ended."""
        if self._follower is None:
            return self.screen.query("#back").first() if self.screen.query("#back") else None
        if self.sight.ended or self.sight.interrupted:
            return None if self.sight.view.status == "succeeded" else self.query_one(CardView).first_action()
        return self.query_one(Timeline)

    @property
    def sight(self) -> Sight:
        """What is known of the run."""
        return self._follower.sight if self._follower else Sight(RunView())

    # Following

    def _heard(self, name: str) -> None:
        if name == "run" and self.is_mounted:
            self.call_later(self._take_up)

    def _take_up(self) -> None:
        run = self.store.run
        if run is None or (self._follower is not None and self._follower.run.id == run.id):
            if run is None:
                self._show(self.sight)
            return
        self._follower = RunFollower(run)
        self._settled = ""
        self._arrange(card=False)
        self._relabel("Test")
        self._show(self.sight)
        self._keep_looking()

    def _keep_looking(self) -> None:
        if self._follower:
            self.run_worker(self._look_on(self._follower), group="follow", exclusive=True)

    async def _look_on(self, follower: RunFollower) -> None:
        """Read the journal until the run has ended; many events make one repaint."""
        quiet = 0
        while True:
            sight = await follower.look()
            if sight is not None:
                quiet = 0
                self._show(sight)
                if sight.ended:
                    return
            quiet += 1
            await asyncio.sleep(LOOK_SECONDS if quiet < 10 else QUIET_LOOK_SECONDS)

    def _tick(self) -> None:
        """Once a second: the times that grow."""
        if self.display and self._follower and not self.sight.ended and self.sight.alive:
            self._show_head(self.sight)
            self.query_one(Timeline).tick()

    # Showing

    def _show(self, sight: Sight) -> None:
        self._show_head(sight)
        view = sight.view
        self.query_one(Timeline).show(sight)
        self.query_one(RunLog).show(view.logs, view.log_count)
        state = "interrupted" if sight.interrupted else view.status
        if state != self._settled and (sight.ended or sight.interrupted or view.card):
            self._settled = state
            self._settle(sight, state)

    def _show_head(self, sight: Sight) -> None:
        view = sight.view
        run = self.store.run
        if run is None:
            head = Content("Nothing is deployed yet. Review shows what would happen, and starts the run.")
            self.query_one("#deploy-head", Static).update(head)
            self.query_one("#deploy-leave", Button).display = False
            return
        state = "interrupted" if sight.interrupted else view.status
        elapsed = figures.running(sight.elapsed()) if not sight.ended else figures.duration(sight.elapsed())
        usual = expected_seconds(view)
        typical = f" of ~{figures.running(usual)}" if usual and not sight.ended else ""
        where = f"{view.deployment or run.deployment} on {view.endpoint or run.endpoint}"
        rehearsed = " in rehearsal" if run.rehearsed else ""
        look = "" if state in ("running", "starting") else "$text-success" if state == "succeeded" else "$text-error"
        words = WORDS.get(state, state) + rehearsed
        head = Content.assemble((words, f"bold {look}".strip()), f"  {elapsed}{typical}  {where}")
        # Once a second: nothing is laid out anew, or a waiting run would cost a kilobyte a second.
        self.query_one("#deploy-head", Static).update(head, layout=False)
        self.query_one("#deploy-leave", Button).display = not sight.ended and not sight.interrupted
        links = _links(view)
        if links != self._links:
            self._links = links
            self.query_one("#deploy-links", Static).update(links)

    def _settle(self, sight: Sight, state: str) -> None:
        """The run has come to an end, or needs somebody."""
        if state == "succeeded":
            self._arrange(card=False)
            self._relabel("Test the endpoint")
            if self.display:
                self.call_after_refresh(self._focus_next)
            return
        card = card_of(sight, state)
        if card is None:
            return
        again = "Go on with the run" if state == "interrupted" else "Run again"
        shown = self.query_one(CardView)
        shown.show(card, again=again)
        shown.query_one("#card-again", Button).display = sight.ended or sight.interrupted
        self._arrange(card=True)
        if self.display and (sight.ended or sight.interrupted):
            self.call_after_refresh(shown.first_action().focus)

    def _arrange(self, *, card: bool) -> None:
        """The card in place of the log where there is no room for both."""
        has_card = bool(self._settled) and self._settled != "succeeded"
        both = self.size.height >= ROWS_FOR_BOTH
        self.query_one(CardView).display = card
        self.query_one(CardView).set_class(both, "-beside-log")
        log = self.query_one(RunLog)
        log.display = not card or both
        log.offer_card(has_card and not card)

    def on_resize(self) -> None:
        """Room for the log beside the card, or not."""
        self._arrange(card=self.query_one(CardView).display)

    def _relabel(self, label: str) -> None:
        if self.next_label != label:
            self.next_label = label
            self.post_message(self.Relabel())

    def _focus_next(self) -> None:
        for button in self.screen.query("#next"):
            button.refresh(layout=True)  # its label has grown
            button.focus()

    # What can be done

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The buttons of this pane."""
        event.stop()
        if event.button.id == "deploy-leave":
            self.post_message(self.Leave())

    def on_run_log_save(self, event: RunLog.Save) -> None:
        """Write the lines shown."""
        event.stop()
        self._menu_save()

    def on_run_log_card(self, event: RunLog.Card) -> None:
        """The card in place of the log."""
        event.stop()
        self._arrange(card=True)
        self.query_one(CardView).first_action().focus()

    def on_card_view_log(self, event: CardView.Log) -> None:
        """The log in place of the card."""
        event.stop()
        self._arrange(card=False)
        self.query_one(RunLog).view.focus()

    def on_card_view_edit(self, event: CardView.Edit) -> None:
        """Go to the field that the card is about."""
        event.stop()
        self.post_message(self.GoTo(event.step, event.key))

    def on_card_view_support(self, event: CardView.Support) -> None:
        """Copy the card."""
        event.stop()
        self.run_worker(self._copy_for_support(), group="save", exclusive=True)

    def on_card_view_again(self, event: CardView.Again) -> None:
        """Go on with an interrupted run, or start a new one of the plan as it is now."""
        event.stop()
        self.run_worker(self._again(), group="again", exclusive=True)

    async def _again(self) -> None:
        follower = self._follower
        if follower is None:
            return
        self.post_message(self.Status("Starting"))
        try:
            if follower.sight.interrupted:
                await starting.resume(self.store, follower.run)
                follower.restarted()
                self._settled = ""
                self._arrange(card=False)
                self._keep_looking()
            else:
                self.store.follow(await starting.start(self.store))
        except starting.NotStarted as reason:
            self.post_message(self.Status(f"✖ Not started: {reason}"))
            return
        self.post_message(self.Status(""))
        self.query_one(Timeline).focus()

    async def _copy_for_support(self) -> None:
        card, run = self.query_one(CardView).card, self.store.run
        if card is None or run is None:
            return
        text = card.for_support(self._about())
        from tui.app.screens.text import TextScreen

        self.app.copy_to_clipboard(text)
        await self._write(run.folder / "support.txt", text, "Copied; the same text is in")
        self.app.push_screen(TextScreen("For support (already copied)", text, take_away=True, wide=True))

    async def _save_log(self) -> None:
        run = self.store.run
        if run is not None:
            log = self.query_one(RunLog).view
            await self._write(Path.cwd() / f"{run.id}.log", log.shown_text(), f"{log.shown_count:,} lines are in")

    async def _write(self, path: Path, text: str, words: str) -> None:
        try:
            await in_thread(lambda: path.write_text(text, encoding="utf-8"))
        except OSError as error:
            self.post_message(self.Status(f"✖ {path} cannot be written: {error.strerror or error}."))
        else:
            self.post_message(self.Status(f"{words} {path}"))

    def _about(self) -> dict[str, str]:
        view, run = self.sight.view, self.store.run
        workspace = view.workspace
        return {
            "Run": run.id if run else "",
            "Endpoint": view.endpoint,
            "Deployment": view.deployment,
            "Workspace": "/".join(workspace.get(name, "") for name in ("subscription_id", "resource_group", "name"))
            if workspace
            else "",
            "Signed in as": view.principal,
            "Portal": view.portal_url,
            "Engine's log": view.log_path or (str(run.log) if run else ""),
        }

    def on_timeline_chosen(self, event: Timeline.Chosen) -> None:
        """Enter on a task: its lines alone; Enter again: all."""
        event.stop()
        self.query_one(RunLog).only(event.task)

    def actions(self) -> list[Action]:
        """What the menu offers here."""
        found = [
            Action("Addresses of this run", "Portal, scoring URI and run id, to read and take away.", self._addresses),
            Action("Save the log", "Write the lines shown to a file in this folder.", self._menu_save),
        ]
        if self.sight.interrupted or (self.sight.ended and self.sight.view.status != "succeeded"):
            found.append(Action("Run again", "Start the engine again; what is there is kept.", self._menu_again))
        return found

    def _addresses(self) -> None:
        from tui.app.screens.text import TextScreen

        self.app.push_screen(TextScreen("Addresses", self._addresses_text(), take_away=True, wide=True))

    def _addresses_text(self) -> str:
        view, run = self.sight.view, self.store.run
        rows = (
            ("Portal", view.portal_url),
            ("Scoring URI", view.scoring_uri),
            ("Run", run.id if run else ""),
            ("Come back", f"aml-deploy attach {run.id}" if run else ""),
            ("Engine's log", view.log_path),
        )
        return "".join(f"{name}: {value}\n" for name, value in rows if value)

    def _menu_save(self) -> None:
        self.run_worker(self._save_log(), group="save", exclusive=True)

    def _menu_again(self) -> None:
        self.run_worker(self._again(), group="again", exclusive=True)

    def copied_text(self) -> str | None:
        """The card, or the addresses."""
        card = self.query_one(CardView)
        if card.display and card.card:
            return card.card.for_support(self._about())
        return self._addresses_text() or None


def _links(view: RunView) -> Content:
    """Portal and scoring URI, a row each; a terminal that knows links opens them whole."""
    rows = []
    for name, url in (("Portal", view.portal_url), ("Scoring", view.scoring_uri if view.status == "succeeded" else "")):
        if url:
            rows.append(Content.assemble((f"{name:9}", "$text-muted"), (url, Style(link=url, underline=True))))
    if view.test and view.finished:
        latency = view.test.get("latency_ms")
        took = f" in {latency:,.0f} ms" if isinstance(latency, (int, float)) else ""
        by = f", answered by {view.test['deployment']}" if view.test.get("deployment") else ""
        answer = figures.plain(str(view.test.get("response", "")))
        rows.append(
            Content.assemble(("Test     ", "$text-muted"), f"{view.test.get('status_code')}{took}{by}: {answer}")
        )
    if not rows:
        rows.append(Content.styled("Portal   the address is known once the workspace is read", "$text-muted"))
    return Content("\n").join(rows)
