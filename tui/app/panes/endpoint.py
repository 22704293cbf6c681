"""Endpoint: its name, checked by the rules while it is typed and against Azure when typing pauses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.widget import Widget

from tui.app.panes.asking import DEBOUNCE, AskingPane
from tui.app.store import DEPENDS
from tui.app.widgets.facts import Fact, Facts

NAME = "endpoint.name"


class EndpointPane(AskingPane):
    """The endpoint and the name of the deployment behind it."""

    step = "endpoint"

    def below(self) -> Iterable[Widget]:
        yield Facts(id="found", column=10)

    def arrive(self) -> None:
        if "endpoint" in self.store.facts:
            self._show(self.store.facts["endpoint"])
        else:
            self._look(0)

    def changed(self, name: str) -> None:
        if name.startswith(DEPENDS["endpoint"]):
            self.query_one("#found", Facts).show([])
            if self.display:
                self._look(DEBOUNCE)
        elif name == "ready" and self.display:
            self._look(0)
        elif name in ("deployment.name", "endpoint.auth_mode") and "endpoint" in self.store.facts:
            self._show(self.store.facts["endpoint"])

    def _look(self, wait: float) -> None:
        self.run_worker(partial(self._ask, wait), group="endpoint", exclusive=True)

    async def _ask(self, wait: float) -> None:
        if self.store.problem(NAME):
            return
        facts = self.query_one("#found", Facts)
        answer = await self.question("endpoint", facts, "Asking Azure about this name", wait=wait)
        if answer is not None:
            self._show(answer)

    def _show(self, found: dict[str, Any]) -> None:
        name = str(self.store.value(NAME))
        self.query_one("#found", Facts).show(about(found, name, self.store.value))


def about(found: dict[str, Any], name: str, value: Any) -> list[Fact]:
    """What Azure knows about the endpoint's name, and what that means for this plan. `value(key)` is the plan's."""
    if not found.get("exists"):
        return [
            Fact("ok", "Name", f"The workspace has no endpoint {name} yet; it will be created."),
            Fact("", "", "Whether another workspace of this region has taken it, Azure tells when it is created."),
        ]
    state = str(found.get("provisioning_state") or "").lower()
    facts = [Fact("warn", "Name", f"The endpoint {name} exists in this workspace ({state}); what differs is changed.")]
    mode = found.get("auth_mode")
    if mode and mode != value("endpoint.auth_mode"):
        facts.append(Fact("bad", "Sign-in", f"It uses {mode}, which is for good. Choose {mode}, or another name."))
    deployments = found.get("deployments") or []
    traffic = found.get("traffic") or {}
    for deployment in deployments:
        share = traffic.get(deployment["name"], 0)
        new = " This plan updates it." if deployment["name"] == value("deployment.name") else ""
        facts.append(
            Fact(
                "",
                deployment["name"],
                f"{deployment.get('instance_count')} × {deployment.get('instance_type')}, {share} % of requests.{new}",
            )
        )
    return facts
