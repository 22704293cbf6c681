"""Changes an endpoint's traffic split with sliders, rolls it back, and opens the removal dialog."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from tui.app.dialogs.base import Box, buttons, close_button, says
from tui.app.endpoint_operations import traffic_shares
from tui.app.endpoint_operations.operation_dialog import OperationDialog
from tui.app.endpoint_operations.share_row import ShareRow
from tui.app.state.answers import stay_busy
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.plan.traffic import bars, from_tag, in_words, serving

PATIENCE = 900  # seconds: changing the traffic is a long-running operation in Azure


class TrafficDialog(OperationDialog[bool]):
    """Shows sliders, a preview, Apply, Roll back, Remove; dismissed with whether anything was changed.

    Each change is shown as before → after, and confirmed.
    """

    # Left and right move the sliders here, so the buttons are reached with Tab, up and down.
    BINDINGS = [  # noqa: RUF012
        Binding("up", "app.focus_previous", "Up", show=False, id="traffic.up", tooltip="The previous row or button."),
        Binding("down", "app.focus_next", "Down", show=False, id="traffic.down", tooltip="The next row or button."),
    ]

    limit = "traffic"

    def __init__(self, store: Store, back: bool = False) -> None:
        """With `back`, the focus starts at Roll back, if an earlier split is known."""
        super().__init__(store)
        self._back = back
        self._endpoint: dict[str, Any] = {}
        self._split: dict[str, int] = {}
        self._changed = False

    def compose(self) -> ComposeResult:
        with Box("Traffic", classes="-wide -traffic") as dialog:
            dialog.border_subtitle = "left, right: 5 %; Home: none; End: all"
            yield says("▸ Reading the endpoint", id="said")
            yield VerticalScroll(id="traffic-rows", can_focus=False)
            yield says(id="traffic-preview")
            yield buttons(
                Button("Apply …", id="traffic-apply", compact=True),
                Button("Roll back …", id="traffic-back", compact=True),
                Button("Remove …", id="traffic-remove", compact=True),
                close_button(variant="primary"),
            )

    def on_mount(self) -> None:
        self.query_one("#close").focus()
        self.show()
        in_background(self, self._read, "traffic")

    def action_close(self) -> None:
        """Close; a change in progress continues in Azure."""
        self.dismiss(self._changed)

    # Reading and showing

    async def _read(self, said: str = "") -> None:
        answer = await self._store.answer("endpoint", timeout=60)
        if answer.error:
            self.say(f"✖ The endpoint could not be read: {answer.error.title}. {answer.error.remedy}".strip())
            return
        self._endpoint = dict(answer.value or {})
        if not self._there:
            return
        names = [str(item.get("name")) for item in self._endpoint.get("deployments") or ()]
        if not self._endpoint.get("exists"):
            self.say("! The endpoint does not exist: there is nothing to split or remove.")
        elif not names:
            self.say("! The endpoint has no deployment yet.")
        else:
            one = " Splitting traffic needs a second deployment." * (len(names) == 1)
            self.say(said or f"The current traffic split of {self._endpoint.get('name')}.{one}")
        preferred = str(self._store.document.value("deployment.name") or "")
        self._split = traffic_shares.begun(self._before, names, preferred)
        rows, column = self.query_one("#traffic-rows"), max([21, *map(len, names)]) + 1
        await rows.remove_children()
        await rows.mount(*(ShareRow(str(item["name"]), self._before.get(str(item["name"]), 0),
                                    str(item.get("provisioning_state") or "state unknown"), _about(item), column)
                           for item in self._endpoint.get("deployments") or ()))  # fmt: skip
        self._preview()
        if not self._there:
            return
        if self._back and self._split_before:
            self.query_one("#traffic-back").focus()
            return
        for first in [*self.query(ShareRow)][: 0 if said else 1]:
            first.focus()

    @property
    def _before(self) -> dict[str, int]:
        return serving(self._endpoint.get("traffic") or {})

    @property
    def _split_before(self) -> dict[str, int]:
        """The split that Roll back restores; empty if none is known."""
        return from_tag(self._endpoint.get("tags") or {})

    @property
    def _differs(self) -> bool:
        return serving(self._split) != self._before

    def on_share_row_moved(self, event: ShareRow.Moved) -> None:
        if self._working:
            return
        if self._asked is not None:
            self.take_back()
            self.say("Nothing has been changed yet.")
        if event.to is not None:
            self._split = traffic_shares.placed(self._split, event.name, event.to)
        else:
            self._split = traffic_shares.moved(self._split, event.name, event.by)
        self._preview()

    def on_resize(self) -> None:
        if self._endpoint:
            self.call_after_refresh(self._preview)  # the bars are as long as the row allows

    def _preview(self) -> None:
        for row in self.query(ShareRow):
            row.show(self._split.get(row.deployment, 0))
        apply = Content.styled("Apply   no change", "$text-muted")
        if self._differs:
            apply = Content.assemble(("Apply   ", "$text-muted"), (self._bars(self._split), "bold"))
        known = f"{self._bars(self._split_before, 32)}, the split before the last change"
        words = known if self._split_before else "no earlier split is known"
        lines = [Content.assemble(("Now     ", "$text-muted"), self._bars(self._before)), apply,
                 Content.assemble(("Back to ", "$text-muted"), words)]  # fmt: skip
        self.query_one("#traffic-preview", Static).update(Content("\n").join(lines))
        self.show()

    def _bars(self, split: dict[str, int], beside: int = 0) -> str:
        """A split as bars, with so many columns left free for its name or for what follows it."""
        return bars(split, self.query_one("#traffic-preview").content_size.width - 8 - beside)

    def show(self) -> None:
        ready = not self._working
        self.query_one("#traffic-apply", Button).disabled = not (ready and self._differs and self._split)
        self.query_one("#traffic-back", Button).disabled = not (ready and self._split_before)
        self.query_one("#traffic-remove", Button).disabled = not (ready and self._endpoint.get("exists"))

    # Changing

    @on(Button.Pressed, "#traffic-apply")
    def _apply(self) -> None:
        wanted = serving(self._split)
        if self._confirmed("#traffic-apply", "Yes, apply", wanted):
            change = partial(self._change, "traffic", f"to {in_words(wanted)}", shares=wanted)
            in_background(self, change, "traffic", exclusive=False)

    @on(Button.Pressed, "#traffic-back")
    def _roll_back(self) -> None:
        back = in_words(self._split_before)
        if self._confirmed("#traffic-back", "Yes, roll back", self._split_before):
            in_background(self, partial(self._change, "rollback", f"back to {back}"), "traffic", exclusive=False)

    def _confirmed(self, button: str, yes: str, after: dict[str, int]) -> bool:
        """Whether the change was confirmed; asks with the split before and after it."""
        question = f"! Callers' traffic: {in_words(self._before)} → {in_words(after)}. Change it?"
        return not self._working and self.confirmed(self.query_one(button, Button), yes, question)

    async def _change(self, question: str, where: str, **with_: Any) -> None:
        began = time.monotonic()
        self.query_one("#close").focus()
        self.say(f"▸ Changing the traffic {where}; this takes Azure seconds to minutes")
        answer = await self._ask(question, PATIENCE, **with_)
        if answer is None:
            return
        self._changed = True
        await stay_busy(began)
        if self._there:
            await self._read(f"✔ The traffic is now {in_words(dict(answer.get('after') or {}))}.")

    # Removing

    @on(Button.Pressed, "#traffic-remove")
    def _remove(self) -> None:
        from tui.app.endpoint_operations.removal_dialog import RemovalDialog

        def after(removed: bool | None) -> None:
            if removed:
                self._changed = True
                read = partial(self._read, "✔ Removed. The remaining deployments:")
                in_background(self, read, "traffic", exclusive=False)

        self.app.push_screen(RemovalDialog(self._store, self._endpoint), after)


def _about(deployment: dict[str, Any]) -> str:
    """Format instances and size: `1 × Standard_D4as_v4`."""
    return f"{deployment.get('instance_count', '?')} × {deployment.get('instance_type', 'unknown size')}"
