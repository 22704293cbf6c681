"""The troubleshoot screen of an existing endpoint: findings first, then all details."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Static
from textual.widgets.option_list import Option

from tui.app.dialogs.text_dialog import TextScreen
from tui.app.state.action import Action
from tui.app.state.answers import stay_busy
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.steps.deploy.run_log import RunLog
from tui.app.steps.network.network_path_drawing import explain, hops
from tui.app.steps.network.network_path_widget import NetworkPath
from tui.app.textual_patches.dismiss_in_turn import DismissInTurn
from tui.app.textual_patches.keys_row import KeysRow
from tui.app.textual_patches.newest_size import NewestSize
from tui.app.textual_patches.option_list import OptionList
from tui.app.troubleshoot import texts
from tui.app.troubleshoot.finding_dialog import FindingDialog
from tui.app.widgets.hanging import HangingText
from tui.app.widgets.header import badge
from tui.app.widgets.screen_keys import MENU, MOVING
from tui.app.widgets.sections import Sections
from tui.app.widgets.waiting import Said
from tui.engine.journal.run_view import LogLine
from tui.helper import troubleshoot_report as words
from tui.plain.arguments.request import plan_request
from tui.plan.traffic import bars, largest_first

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface

LOOK_SECONDS = 180
WATCH_SECONDS = 30.0
LOG_SECONDS = 6.0  # between two rounds of reading followed logs
SECTIONS = {
    "findings": "Findings",
    "state": "State",
    "path": "Path",
    "logs": "Logs",
    "changes": "Changes",
    "metrics": "Metrics",
    "tests": "Tests",
}
LOOKS = {"blocker": "bold $text-error", "warning": "$text-warning", "unknown": "$text-muted", "ok": "$text-success"}


class TroubleshootScreen(NewestSize, DismissInTurn, Screen[None], inherit_bindings=False):
    """Shows findings, state, network path, logs, changes, metrics and test calls of one endpoint."""

    app: AppInterface

    BINDINGS: ClassVar = [
        *MOVING,
        Binding("pageup", "section(-1)", "Previous section", key_display="PgUp", id="trouble.before",
                tooltip="The previous section."),
        Binding("pagedown", "section(1)", "Next section", key_display="PgDn", id="trouble.after",
                tooltip="The next section."),
        Binding("left", "section(-1)", "Left", show=False, id="trouble.left", tooltip="The section to the left."),
        Binding("right", "section(1)", "Right", show=False, id="trouble.right", tooltip="The section to the right."),
        Binding("ctrl+g", "help", "Help", key_display="^g", id="trouble.help", tooltip="What this screen shows."),
        Binding("ctrl+y", "support", "For support", key_display="^y", id="trouble.copy",
                tooltip="All details as one text, to copy."),
        MENU,
        Binding("ctrl+c", "app.leave", "Quit", key_display="^c", priority=True, id="trouble.leave",
                tooltip="Quit."),
        Binding("escape", "to_sections", "Sections", show=False, id="trouble.out", tooltip="Go to the sections."),
    ]  # fmt: skip

    def __init__(self, store: Store, back: bool = False) -> None:
        """With `back`, it returns to the screen below instead of home."""
        super().__init__()
        self._back = back
        self.store = store
        self.report: dict[str, Any] = {}
        self.watching = False
        self._body = plan_request(store.document)
        self._looking = False
        self._news: list[str] = []
        self._found: list[Mapping[str, Any]] = []  # the findings as listed

    def compose(self) -> ComposeResult:
        yield Static(self._title(f"troubleshoot {self._endpoint}"), id="trouble-title", markup=False)
        yield Sections(SECTIONS, id="sections")
        with ContentSwitcher(initial="section-findings", id="trouble-body"):
            with Vertical(id="section-findings"):
                yield OptionList(id="findings")
                yield Static("", id="news", markup=False)
            with VerticalScroll(id="section-state"):
                yield HangingText(id="state-text")
            with Vertical(id="section-path"):
                yield NetworkPath(id="trouble-path")
                with VerticalScroll(id="hop-scroll", can_focus=False):
                    yield HangingText(id="hop-text")
            with Vertical(id="section-logs"):
                yield RunLog(id="trouble-log", classes="-of-no-run")
            for name in ("changes", "metrics", "tests"):
                with VerticalScroll(id=f"section-{name}"):
                    yield HangingText(id=f"{name}-text")
        with Horizontal(id="buttons"):
            yield Said(id="status")
            yield Button("Refresh", id="look", compact=True, tooltip="Read everything again")
            yield Button("Watch: off", id="watch", compact=True, tooltip="Refresh every 30 seconds")
            yield Button("For support", id="support", compact=True, tooltip="All details as one text, to copy")
            yield Button("Back" if self._back else "Home", id="home", compact=True)
        yield KeysRow()

    def _title(self, head: str) -> Content:
        where = badge(self.store.rehearse, self.store.environ, self.store.readonly)
        return Content.assemble(("aml-deploy", "bold"), "  ", where, f" · {head}")

    @property
    def _endpoint(self) -> str:
        return str(self.store.document.value("endpoint.name") or "")

    def on_mount(self) -> None:
        log = self.query_one(RunLog)
        log.offer(())
        log.view.empty_text = "No log was read."
        self.query_one("#findings", OptionList).add_option(Option("▸ Reading everything", disabled=True))
        self.query_one(Sections).focus()
        self.look()
        self.set_interval(WATCH_SECONDS, self._watch_tick)
        in_background(self, self._follow_logs, "follow", exclusive=False)

    # Reading

    @on(Button.Pressed, "#look")
    def look(self) -> None:
        """Read everything again, unless that is already in progress."""
        if not self._looking:
            in_background(self, self._look, "look")

    async def _look(self) -> None:
        self._looking, began = True, time.monotonic()
        self._say("▸ Reading …")
        try:
            answer = await self.store.answer("troubleshoot", timeout=LOOK_SECONDS, body=self._body)
        finally:
            self._looking = False
        if answer.error:
            self._show_failure(answer.error)
            return
        await stay_busy(began)
        before, self.report = self.report, dict(answer.value)
        self._news = words.differences(before, self.report) if before else []
        if self.is_mounted:
            self._show()

    def _show_failure(self, error: Any) -> None:
        self._say(f"✖ {error.title}. {error.remedy}".strip())
        if not self.report:
            self.report = {
                "name": self._endpoint,
                "findings": [{"id": "not-asked", "severity": "blocker", "message": f"{error.title}.",
                              "cause": error.cause, "remedy": error.remedy, "evidence": error.raw.splitlines()[:20]}],
            }  # fmt: skip
            self._show_findings()

    def _watch_tick(self) -> None:
        if self.watching and self.app.screen is self:
            self.look()

    # Showing

    def _show(self) -> None:
        report = self.report
        self._show_findings()
        split = largest_first((report.get("endpoint") or {}).get("traffic") or {})
        rows = [(name, bars(split, 60) if name == "Traffic" else value) for name, value in words.state_lines(report)]
        later = ("Workspace", "Portal")  # long, and seldom needed
        parts = [texts.row(name, value) for name, value in rows if name not in later]
        parts += [Content(""), Content.styled("Deployments", "bold")]
        parts += [Content(words.deployment_line(one)) for one in report.get("deployments") or ()] or [Content("none")]
        parts += [Content(""), *(texts.row(name, value) for name, value in rows if name in later)]
        if report.get("unseen"):
            parts += [Content(""), Content.styled("Not read", "bold")]
            parts += [Content(f"{item['what']}: {item['why']} {item['remedy']}") for item in report["unseen"]]
        self._text("state", parts)
        self.query_one(NetworkPath).show(hops(report.get("reach") or {}))
        self._text(
            "changes",
            texts.lines(
                report.get("history"),
                words.history_line,
                "No changes in the last 24 hours.",
                "The activity log could not be read.",
            ),
        )
        kept = (report.get("log_analytics") or {}).get("calls") or []
        metrics = [Content(line) for line in words.metric_lines(report)] or [Content("The metrics could not be read.")]
        if kept:
            metrics += [Content(""), Content.styled("Failed calls in Log Analytics", "bold")]
            metrics += [Content("  ".join(row.values())) for row in kept]
        self._text("metrics", metrics)
        none = "No test call was made: no request is available. Open the endpoint's plan, or use --request."
        self._text("tests", texts.lines(report.get("tests") or (), texts.test_text, none, none))
        self._show_logs()
        self._say(f"Read {words.moment(str(report.get('time')))[11:19]} UTC, {report.get('seconds', 0):.0f} s")

    def _text(self, section: str, parts: list[Content]) -> None:
        self.query_one(f"#{section}-text", Static).update(Content("\n").join(parts))

    def _show_findings(self) -> None:
        head = words.headline(self.report)
        self.query_one("#trouble-title", Static).update(self._title(head))
        options = self.query_one("#findings", OptionList)
        at = options.highlighted or 0
        marked = words.key_of(self._found[at]) if self._found else None
        had_focus = options.has_focus
        options.clear_options()
        self._found = found = list(self.report.get("findings") or ())
        options.add_options([Option(self._finding_line(item)) for item in found])
        keys = [words.key_of(item) for item in found]
        options.highlighted = (keys.index(marked) if marked in keys else min(at, len(keys) - 1)) if keys else None
        if found and (had_focus or (self.query_one(Sections).has_focus and self.section == "findings")):
            options.focus()
        news = self.query_one("#news", Static)
        news.display = bool(self._news)
        shown = self._news[:3] + ([f"and {len(self._news) - 3} more"] if len(self._news) > 3 else [])
        news.update("\n".join(["Since the last refresh", *(f"  {line}" for line in shown)]) if self._news else "")

    def _finding_line(self, item: Mapping[str, Any]) -> Content:
        severity = str(item["severity"])
        kind = "advice" if item.get("advice") else words.WORDS.get(severity, severity)
        sign = "·" if item.get("advice") else words.SIGNS.get(severity, "?")
        look = "$text-muted" if item.get("advice") else LOOKS.get(severity, "")
        fix = Content.styled(f"  ▸ {item['fix']['what']}", "$text-accent") if item.get("fix") else Content("")
        below = "  └ " if item.get("follows") else ""
        return Content.assemble(below, (f"{sign} {kind}  ", look), str(item["message"]), fix)

    def _show_logs(self) -> None:
        lines = []
        tasks = []
        for log in self.report.get("logs") or ():
            task = str(log["deployment"]) + ("" if log["container"] == "inference-server" else " init")
            tasks.append(task)
            lines += [LogLine(task, log["container"], line, "") for line in str(log["content"]).splitlines()]
        kept = (self.report.get("log_analytics") or {}).get("lines") or []
        if kept:
            tasks.insert(0, "kept")
            lines[:0] = [LogLine("kept", "Log Analytics", "  ".join(row.values()), "") for row in reversed(kept)]
        view = self.query_one(RunLog)
        view.offer(tuple(dict.fromkeys(tasks)))
        view.show(lines, len(lines))

    async def _follow_logs(self) -> None:
        """Read the logs while they are shown."""
        view = self.query_one(RunLog).view
        while self.is_attached:
            await asyncio.sleep(LOG_SECONDS)
            if self.section == "logs" and view.following and self.report.get("logs") and self.app.screen is self:
                await self._read_logs()

    async def _read_logs(self) -> None:
        fresh = []
        for log in self.report["logs"]:
            answer = await self.store.answer("logs", timeout=30, deployment=log["deployment"],
                                             container=log["container"], lines=300)  # fmt: skip
            if answer.error:
                return
            fresh.append({**log, "content": answer.value["content"]})
        if self.is_mounted and fresh != self.report["logs"]:
            self.report["logs"] = fresh
            self._show_logs()

    def _say(self, text: str) -> None:
        if self.is_mounted:
            self.query_one("#status", Static).update(text)

    # Moving between sections

    @property
    def section(self) -> str:
        """The current section."""
        return str(self.query_one(ContentSwitcher).current).partition("-")[2]

    def on_sections_chosen(self, event: Sections.Chosen) -> None:
        """Show another section, and move the focus into it if asked."""
        self.query_one(ContentSwitcher).current = f"section-{event.section}"
        if event.into:
            self._into()

    def _into(self) -> None:
        inside = {"findings": "#findings", "path": "#trouble-path", "logs": "#log"}
        self.query_one(inside.get(self.section, f"#section-{self.section}")).focus()

    def action_section(self, by: int) -> None:
        """Go to the previous or next section and move the focus into it."""
        sections, names = self.query_one(Sections), list(SECTIONS)
        sections.choose(names[(names.index(sections.chosen) + by) % len(names)], into=True)

    def action_to_sections(self) -> None:
        """Move the focus to the row of sections; from there, go back if there is a screen to return to."""
        if self._back and self.query_one(Sections).has_focus:
            self.dismiss(None)
        self.query_one(Sections).focus()

    def on_network_path_marked(self) -> None:
        hop = self.query_one(NetworkPath).marked
        self.query_one("#hop-text", Static).update("\n".join(line for _, line in explain(hop)) if hop else "")

    @on(OptionList.OptionSelected, "#trouble-path")
    def _details(self) -> None:
        hop = self.query_one(NetworkPath).marked
        if hop is not None:
            lines = "\n".join(line for _, line in explain(hop))
            self.app.push_screen(TextScreen(hop.title, lines, export=True))

    # Actions

    def menu(self) -> list[Action]:
        """Return what the buttons do, the sections, and the findings."""
        found = [
            Action(str(button.label), str(button.tooltip), button.press)
            for button in self.query("#buttons Button").results(Button)
            if button.tooltip
        ]
        found.append(Action("Help", "What this screen shows (ctrl+g).", self.action_help))
        for name, title in SECTIONS.items():
            label, go = f"Go to {title.lower()}", partial(self.query_one(Sections).choose, name, into=True)
            found.append(Action(label, "A section of this screen.", go, "section"))
        for item in self.report.get("findings") or ():
            show = partial(self._details_of, item)
            found.append(Action(str(item["message"]), "A finding: its cause, and its fix.", show, listed=False))
        return found

    def _details_of(self, item: Mapping[str, Any]) -> None:
        self.app.push_screen(FindingDialog(self.store, item), self._fixed)

    @on(OptionList.OptionSelected, "#findings")
    def _selected(self) -> None:
        at = self.query_one("#findings", OptionList).highlighted
        if at is not None:  # not the event's place: the findings may have been read again
            self._details_of(self._found[at])

    def _fixed(self, fixed: bool | None) -> None:
        if fixed:
            self.look()

    @on(Button.Pressed, "#home")
    def _home(self) -> None:
        if self._back:
            self.dismiss(None)
        else:
            self.app.go_home()

    @on(Button.Pressed, "#watch")
    def _watch(self) -> None:
        self.watching = not self.watching
        self.query_one("#watch", Button).label = "Watch: on" if self.watching else "Watch: off"
        if self.watching:
            self.look()

    @on(Button.Pressed, "#log-save")
    def _save_log(self) -> None:
        self.query_one(RunLog).write(self._endpoint, self._say)

    @on(Button.Pressed, "#support")
    def action_support(self) -> None:
        """Show all details as one text, without secrets."""
        from tui.common.redact import redact

        if self.report:
            plain = redact(words.for_support(self.report))
            self.app.push_screen(TextScreen("For support", plain, export=True, wide=True))

    def action_help(self) -> None:
        """Show the help of this screen."""
        self.app.push_screen(TextScreen("Troubleshoot", texts.HELP))
