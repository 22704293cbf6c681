"""The step Endpoint: checks the name by the rules as you type, and against Azure when typing pauses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from textual import on, work
from textual.widget import Widget
from textual.widgets import Button

from tui.app.state import deployments, side_by_side
from tui.app.steps.form_pane import FormPane
from tui.app.steps.step_findings import StepFindings
from tui.app.steps.step_pane import Action
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.help import HelpButton, Topic

NAME, DEPLOYMENT, AUTH = "endpoint.name", "deployment.name", "endpoint.auth_mode"
REGION = "The name must be unique in the region. Azure checks this when the endpoint is created."


FREE_NAME_TOPIC = Topic(
    "Deploy alongside",
    "Gives the deployment a name that the endpoint does not have yet, so that existing deployments are not changed.",
    "It gets no traffic until you shift traffic to it; the step Test can do that, and roll it back.",
)


class EndpointPane(FormPane):
    """Shows the endpoint's fields and the name of its deployment."""

    step = "endpoint"
    asks = "endpoint"
    reads = ("endpoint", "endpoint_name")
    busy = "Checking this name in Azure"

    def below(self) -> Iterable[Widget]:
        yield Facts(id="found", column=10)
        yield StepFindings(self.store, self.step)
        yield HelpButton(FREE_NAME_TOPIC, "", id="free-name", classes="quiet")

    def on_mount(self) -> None:
        self.query_one("#free-name").display = False

    def arrive(self) -> None:
        if "endpoint" in self.store.facts:
            self._show()
            self._look_around()
        else:
            self.look()

    def changed(self, names: frozenset[str]) -> None:
        super().changed(names)
        if not names.isdisjoint((DEPLOYMENT, AUTH)) and "endpoint" in self.store.facts:
            self._show()

    def outdated(self) -> None:
        self.query_one("#found", Facts).show([])
        self.query_one("#free-name").display = False

    def may_ask(self) -> bool:
        return not self.store.problem(NAME)

    def answered(self, answer: Any) -> None:
        self._show()
        self._look_around()

    def _look_around(self) -> None:
        found = self.store.facts.get("endpoint") or {}
        if not found.get("exists") and "endpoint_name" not in self.store.facts:
            self._ask_region()

    @work(group="region", exclusive=True)
    async def _ask_region(self) -> None:
        """Query whether another workspace in the region uses the name; slow if there are many."""
        self._show(looking=True)
        answer = await self.store.answer("endpoint_name", timeout=60)
        if answer.error:
            self.raw_errors["endpoint_name"] = answer.error.raw
        if not answer.late:
            self._show()

    def _show(self, looking: bool = False) -> None:
        found = self.store.facts.get("endpoint")
        if found is None or not self.is_attached:
            return
        name = str(self.store.resolved(NAME) or self.store.value(NAME))
        facts = deployments.facts(self.store) + about(found, name, self.store.value)
        facts += side_by_side.facts(found, self.store)
        if not found.get("exists"):
            facts.append(Fact("busy", "Region", "Checking whether another workspace uses this name …") if looking
                         else in_region(self.store.facts.get("endpoint_name"), name))  # fmt: skip
        self.query_one("#found", Facts).show(facts)
        free = self._free_name
        button = self.query_one("#free-name", Button)
        button.display = bool(free)
        if free and str(button.label) != f"Deploy as {free}":
            button.label = f"Deploy as {free}"
            button.refresh(layout=True)

    @property
    def _free_name(self) -> str:
        return free_alongside(self.store.facts.get("endpoint") or {}, str(self.store.value(DEPLOYMENT) or ""))

    @on(Button.Pressed, "#free-name")
    def add_alongside(self) -> None:
        """Rename the deployment so that it is created alongside the existing ones."""
        free = self._free_name
        if free:
            self.row(DEPLOYMENT).control.focus()
            side_by_side.take(self.store, free)
            self.row(DEPLOYMENT).control.value = free

    @on(FieldRow.Taken)
    def _taken(self, event: FieldRow.Taken) -> None:
        if event.row.field.key == NAME:
            self.look()

    def actions(self) -> list[Action]:
        found = super().actions()
        if self.query_one("#free-name").display:
            found.insert(0, Action(str(self.query_one("#free-name", Button).label), "Deploy alongside the others.",
                                   self.add_alongside))  # fmt: skip
        return [*deployments.actions(self.store), *found]


def about(found: Mapping[str, Any], name: str, value: Callable[[str], Any]) -> list[Fact]:
    """Explain what exists in Azure under the endpoint's name, and what the plan changes; `value(key)` is the plan's."""
    if not found.get("exists"):
        return [Fact("ok", "Name", f"The workspace has no endpoint {name} yet; it will be created.")]
    state = str(found.get("provisioning_state") or "").lower()
    facts = [
        Fact("warn", "Name", f"The endpoint {name} exists in this workspace ({state}); differences will be updated.")
    ]
    mode = found.get("auth_mode")
    if mode and mode != value(AUTH):
        facts.append(
            Fact("bad", "Sign-in", f"It uses {mode}, which cannot be changed. Choose {mode}, or another name.")
        )
    existing = found.get("deployments") or []
    traffic = found.get("traffic") or {}
    for deployment in existing:
        share = traffic.get(deployment["name"], 0)
        state = str(deployment.get("provisioning_state") or "").lower()
        unwell = f", {state}" if state and state != "succeeded" else ""
        new = " This plan updates it." if deployment["name"] == value(DEPLOYMENT) else ""
        facts.append(
            Fact(
                "warn" if unwell else "",
                deployment["name"],
                f"{deployment.get('instance_count')} × {deployment.get('instance_type')}{unwell}, "
                f"{share} % of the traffic.{new}",
            )
        )
    if not existing:
        facts.append(Fact("", "", "It has no deployment yet."))
    return facts


def in_region(found: Mapping[str, Any] | None, name: str) -> Fact:
    """Explain whether the name is used elsewhere in the region, where it must be unique across all subscriptions."""
    if not found:
        return Fact("none", "Region", REGION)
    region = found.get("region") or "the region"
    if found.get("state") == "taken":
        owner = f"the workspace {found.get('workspace')} (group {found.get('resource_group')}) uses it"
        return Fact("bad", "Region", f"Taken: {owner}; names are unique in {region}. Try {name[:29]}-2.")
    if found.get("reason"):
        return Fact("none", "Region", f"{found['reason']} {REGION}")
    asked, silent = int(found.get("asked") or 0), int(found.get("silent") or 0)
    others = {0: "No other workspace you can see", 1: "The other workspace you can see"}.get(
        asked, f"None of the {asked} other workspaces you can see"
    )
    has = "does not use it" if asked == 1 else "uses it"
    unseen = f"; {silent} did not respond" if silent else ""
    return Fact("none" if silent else "ok", "Region", f"{others} in {region} {has}{unseen}. Azure checks the rest "
                "when the endpoint is created.")  # fmt: skip


def free_alongside(found: Mapping[str, Any], deployment: str) -> str:
    """Return an unused name if the plan would update an existing deployment; empty otherwise."""
    taken = [str(item["name"]) for item in found.get("deployments") or []]
    if not found.get("exists") or deployment.lower() not in map(str.lower, taken):
        return ""
    return deployments.free_name(taken)
