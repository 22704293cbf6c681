"""Workspace: which one, and what its network isolation means for the endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.widget import Widget

from tui.app import isolation
from tui.app.panes.asking import DEBOUNCE, AskingPane
from tui.app.panes.pane import Action
from tui.app.store import DEPENDS
from tui.app.widgets.facts import Fact, Facts

ISOLATION = {
    "managed_network": "Managed virtual network",
    "legacy": "Legacy",
    "public": "Open",
}


class WorkspacePane(AskingPane):
    """The workspace, read as soon as its three fields are complete."""

    step = "workspace"
    extra_label = "Read again"

    def below(self) -> Iterable[Widget]:
        yield Facts(id="found", column=10)

    def arrive(self) -> None:
        if "workspace" in self.store.facts:
            self._show(self.store.facts["workspace"], [])
        else:
            self._read(0)

    def changed(self, name: str) -> None:
        if name.startswith(DEPENDS["workspace"]):
            self.query_one("#found", Facts).show([])
            if self.display:
                self._read(DEBOUNCE)
        elif name == "ready" and self.display:
            self._read(0)

    def _read(self, wait: float) -> None:
        self.run_worker(partial(self._ask, wait), group="workspace", exclusive=True)

    async def _ask(self, wait: float) -> None:
        if self.store.ready.is_set() and any(self.store.problem(row.field.key) for row in self.rows()):
            return
        facts = self.query_one("#found", Facts)
        answer = await self.question("workspace", facts, "Reading the workspace", wait=wait)
        if answer is not None:
            self._show(answer, isolation.apply(self.store, answer))

    def _show(self, found: dict[str, Any], changed: list[str]) -> None:
        facts = [
            Fact("ok", "Workspace", f"{found['name']} in {found['location']}"),
            Fact("", "Isolation", f"{ISOLATION.get(found['isolation'], 'Not known')}. {found.get('explain', '')}"),
        ]
        status = str((found.get("managed_network") or {}).get("status") or "")
        if found["isolation"] == "managed_network" and status.lower() not in ("active", ""):
            facts.append(Fact("warn", "Network", f"not provisioned yet (its status is {status})"))
        facts += [Fact("warn", "Plan", sentence) for sentence in changed]
        self.query_one("#found", Facts).show(facts)

    async def extra(self) -> None:
        self.read_again()

    def read_again(self) -> None:
        """Read the workspace once more."""
        self.store.facts.pop("workspace", None)
        self._read(0)

    def copied_text(self) -> str | None:
        found = self.store.facts.get("workspace")
        return str(found["id"]) if found else None

    def actions(self) -> list[Action]:
        again = Action("Read the workspace again", "Its location and its isolation.", self.read_again)
        return [again, *super().actions()]
