"""Shows a finding with its evidence, and previews, confirms and applies its fixes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from tui.app.dialogs.base import Box, says
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.endpoint_operations.operation_dialog import OperationDialog
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.widgets.hanging import HangingText
from tui.app.widgets.inputs import TextInput
from tui.common.az_command import to_replace
from tui.helper.troubleshoot_report import WORDS

PATIENCE = 3600  # seconds: redeploying may build the image first
MOST_FIXES = 3
# Action -> the button's label; `label` adds the target to some.
LABELS = {
    "set_traffic": "Set traffic",
    "rollback": "Roll back",
    "scale": "Scale",
    "remove_deployment": "Remove",
    "raise_probe_delay": "Raise delay",
    "raise_timeout": "Raise timeout",
    "redeploy": "Redeploy",
    "approve": "Approve",
    "provision_network": "Provision",
    "write_key": "Write key",
    "enter_secret": "New secret",
}


class FindingDialog(OperationDialog[bool]):
    """Shows a finding; dismissed with whether something was fixed."""

    limit = "deployment"

    def __init__(self, store: Store, finding: Mapping[str, Any]) -> None:
        super().__init__(store)
        self.finding = finding
        self.fixes: list[Mapping[str, Any]] = list(finding.get("fixes") or ())[:MOST_FIXES]
        self._chosen: Mapping[str, Any] | None = None
        self._fixed = False

    def compose(self) -> ComposeResult:
        item = self.finding
        kind = "advice" if item.get("advice") else WORDS.get(str(item["severity"]), str(item["severity"]))
        with Box(f"{kind}: {item.get('deployment') or item.get('id')}", classes="-wide -finding"):
            yield VerticalScroll(HangingText(text(item), id="finding-text"), id="finding-scroll")
            yield TextInput("", id="finding-input", password=True)
            yield says(id="said")
            with Horizontal(classes="row"):
                yield Button("Confirm", id="fix-go", compact=True, variant="primary")
                for number, fix in enumerate(self.fixes):
                    yield Button(label(fix), id=f"fix-{number}", compact=True, classes="fix")
                if item.get("request"):
                    yield Button("Request", id="finding-request", compact=True,
                                 tooltip="A text to send to the person who can do it")  # fmt: skip
                yield Button("Copy", id="finding-copy", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self.query_one("#finding-input").display = False
        self.query_one("#fix-go").display = False
        if not self.fixes:
            self.say("This cannot be fixed from here." if self.finding["severity"] != "ok" else "")
        self.query_one("#fix-0" if self.fixes else "#close").focus()

    def action_close(self) -> None:
        """Close; a fix in progress continues in Azure."""
        self.dismiss(self._fixed)

    @on(Button.Pressed, "#close")
    def close_pressed(self) -> None:
        """Close, or go back to the finding if a fix was to be confirmed."""
        if self.query_one("#fix-go").display:
            self._take_back()
        else:
            self.action_close()

    # Choosing, previewing, confirming

    @on(Button.Pressed, ".fix")
    def _preview(self, event: Button.Pressed) -> None:
        if self._working:
            return
        self._chosen = fix = self.fixes[int(str(event.button.id).rpartition("-")[2])]
        asks = bool(fix.get("asks"))
        lines = [Content.styled(str(fix["what"]), "bold"), Content("")]
        lines += [Content(str(line)) for line in fix["preview"]]
        self._show(Content("\n").join(lines), asks)
        self.query_one("#finding-scroll").scroll_home(animate=False)
        self.say("Enter the secret; it is not shown." if asks else "Nothing has been changed yet. Apply this fix?")
        # A second Enter in a row must not apply the fix.
        self.query_one("#finding-input" if asks else "#close").focus()

    def _show(self, shown: Content, asks: bool = False) -> None:
        """Show a text, with the buttons of all fixes or those of the selected fix."""
        chosen = self._chosen is not None
        self.query_one("#finding-text", Static).update(shown)
        self.query_one("#finding-input").display = asks
        self.query_one("#fix-go").display = chosen
        for button in self.query(".fix"):
            button.display = not chosen
        self.query_one("#close", Button).label = "No" if chosen else "Close"

    def _take_back(self) -> None:
        self._chosen = None
        self._show(text(self.finding))
        self.say("")
        self.query_one("#fix-0").focus()

    @on(Button.Pressed, "#fix-go")
    @on(TextInput.Submitted)
    def _go(self) -> None:
        if self._chosen is None or self._working or self._fixed:
            return
        if self._chosen.get("asks"):
            self._take_secret(str(self._chosen["asks"]))
            return
        in_background(self, partial(self._carry_out, self._chosen), "fix")

    def _take_secret(self, key: str) -> None:
        typed = self.query_one("#finding-input", TextInput).value
        if not typed.strip():
            self.say("! Enter the secret first.")
            return
        self._store.set(key, typed)
        self.dismiss(True)

    async def _carry_out(self, fix: Mapping[str, Any]) -> None:
        from tui.plain.commands.endpoint_operations.troubleshoot import key_file
        from tui.plain.failure import Failure

        began = time.monotonic()
        self.query_one("#fix-go").display = False
        button = self.query_one("#close", Button)
        button.label = "Close"
        button.focus()
        self.say("▸ Applying; this takes Azure seconds to minutes. Closing this does not stop it.")
        given = {**(fix.get("with") or {})}
        try:
            if fix["action"] == "write_key":
                given["path"] = key_file(str(self._store.document.value("endpoint.name")))
        except Failure as failure:
            self.say(f"✖ {failure}")
            return
        answer = await self._ask("apply_fix", PATIENCE, action=fix["action"], arguments=given)
        if answer is None:
            return
        self._fixed = True
        self.say(f"✔ {answer['done']} It took {time.monotonic() - began:.0f} s.")

    # Copying

    @on(Button.Pressed, "#finding-copy")
    def _copy(self) -> None:
        from tui.common.redact import redact

        plain = redact(text(self.finding).plain)
        self.app.push_screen(TextScreen("The finding", plain, export=True, wide=True))

    @on(Button.Pressed, "#finding-request")
    def _request(self) -> None:
        self.app.push_screen(TextScreen("A request", str(self.finding["request"]), export=True, wide=True))


def label(fix: Mapping[str, Any]) -> str:
    """Return the label of a fix's button."""
    words = LABELS.get(str(fix["action"]), str(fix["action"]))
    given = fix.get("with") or {}
    if fix["action"] == "set_traffic":
        return f"Traffic to {next(iter(given.get('shares') or ('?',)))}"
    if fix["action"] == "remove_deployment":
        return f"Remove {given.get('deployment')}"
    if fix["action"] == "scale":
        return f"Scale to {given.get('instances')}"
    return words


def text(item: Mapping[str, Any]) -> Content:
    """Return the finding with all details."""
    parts = [Content.styled(str(item["message"]), "bold")]
    follows = ("Follows from", item.get("follows_from"))
    for name, value in (follows, ("Why", item.get("cause")), ("What to do", item.get("remedy"))):
        if value:
            parts += [Content(""), Content.assemble((f"{name}  ", "$text-muted"), str(value))]
    commands = [str(command) for command in item.get("commands") or ()]
    parts += [Content(f"    {line}") for line in (*(f"$ {one}" for one in commands), to_replace(*commands)) if line]
    if item.get("evidence"):
        parts += [Content(""), Content.styled("Evidence", "$text-muted")]
        parts += [Content(f"  {line}") for line in item["evidence"]]
    for name, value in (
        ("Read more", item.get("docs")),
        ("In the plan", item.get("field")),
        ("Checked", item.get("looked_at")),
        ("Request IDs for support", ", ".join(item.get("request_ids") or ())),
        ("Error card", item.get("card")),
    ):
        if value:
            parts.append(Content.assemble((f"{name}  ", "$text-muted"), str(value)))
    return Content("\n").join(parts)
