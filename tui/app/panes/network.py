"""Network: the two flags, as the workspace's isolation leaves them, with the reason beside."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tui.app import isolation
from tui.app.panes.asking import AskingPane
from tui.app.widgets.choice import Choice
from tui.app.widgets.facts import Fact, Facts


class NetworkPane(AskingPane):
    """Who can reach the endpoint, and what the deployment can reach."""

    step = "network"

    def below(self) -> Iterable[Widget]:
        yield Facts(id="found", column=16)

    def arrive(self) -> None:
        self._show()
        if "workspace" not in self.store.facts:
            self.run_worker(self._ask, group="workspace", exclusive=True)

    def changed(self, name: str) -> None:
        if name in (isolation.INGRESS, isolation.EGRESS, "workspace"):
            self._show()

    async def _ask(self) -> None:
        if self.store.ready.is_set() and any(
            self.store.problem(f"workspace.{key}") for key in ("subscription_id", "resource_group", "name")
        ):
            return
        facts = self.query_one("#found", Facts)
        answer = await self.question("workspace", facts, "Reading the workspace")
        if answer is not None:
            isolation.apply(self.store, answer)
            self._show()

    def _show(self) -> None:
        found = self.store.facts.get("workspace")
        egress, ingress = self.row(isolation.EGRESS), self.row(isolation.INGRESS)
        if found is None:
            egress.say("")
            ingress.say("")
            return
        if isinstance(egress.control, Choice):
            egress.control.refused = isolation.refused_egress(found)
            egress.control.refresh()
        egress.say(isolation.egress_reason(found))
        value = str(self.store.value(isolation.INGRESS))
        ingress.say(isolation.ingress_reason(found, value), "warn" if value == "enabled" else "")
        self.query_one("#found", Facts).show(
            [
                Fact("none", "Public access", "who may call the scoring URI"),
                Fact("none", "Egress", "what the deployment itself may reach"),
                Fact("none", "Private endpoint", "the workspace's address inside a virtual network; callers are in it"),
            ]
        )
