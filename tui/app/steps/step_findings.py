"""Shows the preflight findings of a step while it is being filled in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from textual import work
from textual.widget import Widget

from tui.app.state.answers import BLINK
from tui.app.state.background import in_thread
from tui.app.state.questions import concerned
from tui.app.state.store import Store
from tui.app.steps.model.model_facts import KINDS, shortened
from tui.app.widgets.facts import Fact, Facts
from tui.plan.fields.all_fields import fields_of

DEBOUNCE = 1.0  # seconds without a key before the step is checked again
PATIENCE = 60  # seconds; the preflight stops after ten
COLUMNS = {"credentials": 9, "model": 9, "compute": 6, "network": 8}  # the same as in the pane's own lines
LONGEST = 130  # characters of a message or a remedy
SHORT_COMMAND = 60  # longest command in a remedy, in characters
NAMED = 4  # passed checks to list; the rest are counted
WORKSPACE = ("workspace.subscription_id", "workspace.resource_group", "workspace.name")

ASKING = {"credentials": "checking this identity's permissions", "workspace": "checking its storage and network"}

# Findings that the step's pane already shows from its own queries.
TOLD: dict[str, tuple[str, ...]] = {
    "workspace": ("workspace", "v1-legacy-mode"),
    "endpoint": ("endpoint", "endpoint-taken", "endpoint-auth-mode"),
    "compute": ("size", "quota"),
    "network": ("isolation", "egress-closed-workspace", "egress-flag", "mlflow-network"),
}
# Names of passed checks; the longest matching prefix of an id is used.
WORDS: dict[str, str] = {
    "sign-in": "sign-in",
    "roles": "permissions",
    "storage-role": "storage data role",
    "autoscale-role": "autoscale role",
    "provider-": "resource provider",
    "reach-resource-manager": "Resource Manager",
    "reach-login": "sign-in authority",
    "reach-storage": "storage network path",
    "storage": "storage access",
    "private-endpoint": "private endpoint",
    "registry": "container registry",
    "managed-network": "managed virtual network",
    "diagnose": "workspace diagnostics",
    "endpoint": "name",
    "size": "size",
    "quota": "quota",
    "room": "endpoint and deployment limits",
    "isolation": "isolation",
    "outbound": "outbound rules",
    "model-source": "model source",
    "pins": "package versions",
    "rehearsal-packages": "packages in the rehearsal",
    "registered": "registered assets",
}


class StepFindings(Facts):
    """Shows a step's findings; queries them when the step is shown and when its fields have changed."""

    def __init__(self, store: Store, step: str) -> None:
        super().__init__(id=f"checked-{step}", column=COLUMNS.get(step, 10))
        self.add_class("step-findings")
        self.store = store
        self.step = step
        self._failed = ""  # the fingerprint of the values that could not be checked
        self._unlisten: Callable[[], None] | None = None

    def on_mount(self) -> None:
        self._unlisten = self.store.listen(self._changed)

    def _on_prune(self) -> None:
        if self._unlisten:
            self._unlisten()

    def _changed(self, names: frozenset[str]) -> None:
        if not self._is_shown():
            return  # it looks when it is
        again = ("ready", "azure", "files", *(("sign_in",) if self.step == "credentials" else ()))
        if concerned(f"step:{self.step}", names) or not names.isdisjoint(again):
            self.look(DEBOUNCE)
        elif "states" in names:
            self._show_known()

    def _is_shown(self) -> bool:
        return self.is_attached and all(widget.display for widget in self.ancestors if isinstance(widget, Widget))

    def _show_known(self) -> bool:
        """Show the findings that are valid for the step's values; return whether there are any."""
        said = self.store.states.said(self.step)
        if said is not None:
            self.show(about(self.step, said))
        elif self.step not in self.store.states.asking and self._failed != self.store.fingerprint(f"step:{self.step}"):
            self.show([])
        return said is not None

    def look(self, wait: float = 0) -> None:
        """Query the findings, unless they are known for the same values."""
        if not self._show_known():
            self._look(wait)

    @work(group="step-findings", exclusive=True)
    async def _look(self, wait: float) -> None:
        await asyncio.sleep(wait)
        if not self._is_shown() or self._show_known():  # left meanwhile, or Review has asked about everything
            return
        if not self.store.ready.is_set() or not await in_thread(self._complete):
            self.show([])
            return
        question = f"step:{self.step}"
        mark = self.store.fingerprint(question)
        self.store.states.ask(self.step, True)
        self.show([Fact("busy", "Checked", f"{ASKING.get(self.step, 'checking these values')} …")])
        try:
            answer = await self.store.answer("step_findings", timeout=PATIENCE, blink=BLINK, step=self.step)
        finally:
            self.store.states.ask(self.step, False)
        if mark != self.store.fingerprint(question):
            return
        if answer.error is None:
            self.store.states.take(question, answer.value)
            self._show_known()  # the states need not have changed by it
        else:
            self._failed = mark
            self.show([Fact("none", "Checked", f"not known: {answer.error.title}.".replace("..", "."))])

    def _complete(self) -> bool:
        """Whether the query is possible: the workspace is set and this step's fields are valid."""
        if self.step == "credentials" and "sign_in" not in self.store.facts:
            return False  # not signed in until the button is pressed
        keys = [*WORKSPACE, *(field.key for field in fields_of(self.step) if self.store.document.asked(field.key))]
        return not any(self.store.problem(key) for key in keys)


def about(step: str, findings: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """Convert findings to lines: problems with their remedies, worst first; passed checks in one line."""
    told = TOLD.get(step, ())
    facts = []
    fine: list[str] = []
    for finding in findings:
        id = str(finding.get("id") or "")
        kind = KINDS.get(str(finding.get("severity")))
        if id in told:
            continue
        if kind is None:
            fine.append(words_for(id))
        else:
            facts.append(Fact(kind, {"bad": "Blocks", "warn": "Warning"}.get(kind, "Not known"), _text(finding)))
    fine = [word for word in dict.fromkeys(fine) if word]
    if fine:
        more = f" and {len(fine) - NAMED} more" if len(fine) > NAMED else ""
        facts.append(Fact("ok", "Checked", f"{', '.join(fine[:NAMED])}{more}: OK."))
    return facts


def words_for(id: str) -> str:
    """Return a check's name, by the longest matching prefix of its id."""
    known = [start for start in WORDS if id == start or (start.endswith("-") and id.startswith(start))]
    return WORDS[max(known, key=len)] if known else ""


def _text(finding: Mapping[str, Any]) -> str:
    """Return message and remedy, both shortened: Review and `check` show them in full, with the command to copy."""
    message, command = str(finding.get("message") or ""), str(finding.get("command") or "")
    remedy = str(finding.get("remedy") or "")
    if finding.get("severity") == "unknown":
        return shortened(f"{message.partition('. ')[0].rstrip('.')}.", LONGEST)
    if len(command) > SHORT_COMMAND:
        remedy = remedy.replace(command, "").strip()
        return f"{shortened(message, LONGEST)} {shortened(remedy, LONGEST)} The command is in Review."
    told = [shortened(message, LONGEST), shortened(remedy, LONGEST), "" if command in remedy else command]
    return " ".join(part for part in told if part)
