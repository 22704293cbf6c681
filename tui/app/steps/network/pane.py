"""The step Network: the two flags allowed by the workspace's isolation, and the network path from this machine."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.app.state.answers import explained
from tui.app.state.questions import concerned
from tui.app.state.store import Store
from tui.app.steps.form_pane import FormPane
from tui.app.steps.network import isolation, network_path_drawing
from tui.app.steps.network.network_path_drawing import Hop
from tui.app.steps.network.network_path_widget import NetworkPath
from tui.app.steps.step_findings import WORKSPACE, StepFindings
from tui.app.widgets.choice import Choice
from tui.app.widgets.facts import SIGNS, STYLES, Fact, Facts
from tui.app.widgets.help import HelpButton, Topic
from tui.app.widgets.waiting import Said

PATIENCE = 40  # seconds; the check itself stops after about ten
# Fields that decide which combinations are allowed.
_MATTER = (
    isolation.INGRESS,
    isolation.EGRESS,
    "workspace",
    "endpoint",
    "deployment.name",
    "deployment.model.type",
    "deployment.code_configuration.code",
)


LOOK_TOPIC = Topic(
    "Refresh",
    "Resolves every host and connects to it from this machine; only a TLS handshake is sent.",
    "A host that is reachable here may be unreachable from the network of the callers.",
)


class NetworkPane(FormPane):
    """Shows who can reach the endpoint, what the deployment can reach, and what this machine can reach."""

    step: ClassVar[str] = "network"
    asks = "workspace"
    reads = ("workspace", "reach")
    busy = "Reading the workspace"
    roomy = True
    indented = False

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Facts(id="found", column=8)
        yield StepFindings(self.store, self.step)
        with Horizontal(id="path-bar"):
            yield Static("", id="path-head", markup=False)
            yield HelpButton(LOOK_TOPIC, id="look")
        yield NetworkPath(id="path")
        yield Said(id="path-detail")

    def arrive(self) -> None:
        self._show()
        if "workspace" in self.store.facts:  # it may have been read at another step, which does not set the flags
            isolation.apply(self.store, self.store.facts["workspace"])
        else:
            self.look()
        self._draw()
        if "reach" not in self.store.facts:
            self.connect()

    def changed(self, names: frozenset[str]) -> None:
        if not names.isdisjoint(_MATTER):
            self._show()
        if "reach" in names:
            self._draw()
        if self.display and ("ready" in names or concerned("reach", names)):
            self.connect()

    # The flags

    def may_ask(self) -> bool:
        return not self.store.ready.is_set() or not any(self.store.problem(key) for key in WORKSPACE)

    def answered(self, answer: Any) -> None:
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
            egress.control.refused = isolation.refused_egress(found, self.store)
            egress.control.refresh()
        egress.say(isolation.egress_reason(found))
        value = str(self.store.value(isolation.INGRESS))
        ingress.say(isolation.ingress_reason(found, value), "warn" if value == "enabled" else "")
        illegal = [text for text in isolation.illegal(found, self.store) if text != egress.error]  # shown at the field
        self.query_one("#found", Facts).show([Fact("bad", "Flags", text) for text in illegal])

    async def validate(self) -> None:
        """Validate the fields, and show a combination that Azure refuses as an error of the flag."""
        await super().validate()
        found = self.store.facts.get("workspace")
        illegal = isolation.illegal(found, self.store) if found else []
        row = self.row(isolation.EGRESS)
        if (
            illegal
            and not row.error
            and str(self.store.value(isolation.EGRESS) or "") in isolation.refused_egress(found or {}, self.store)
        ):
            row.complain(illegal[0])
            self._show()

    # The network path

    @on(Button.Pressed, "#look")
    @work(group="reach", exclusive=True)
    async def connect(self) -> None:
        """Check the network path: resolve every host and connect to it."""
        self._trouble = ""
        self._paint(network_path_drawing.waiting("asking", self._known()))
        answer = await self.store.answer("reach", timeout=PATIENCE)
        if answer.late:
            return
        self.raw_errors["reach"] = answer.error.raw if answer.error else ""
        self._trouble = explained(answer.error) if answer.error else ""
        self._draw()

    def _known(self) -> list[Hop]:
        answer: dict[str, Any] | None = self.store.facts.get("reach")
        return network_path_drawing.hops(answer) if answer else []

    def _draw(self) -> None:
        self._paint(self._known() or network_path_drawing.waiting("unknown" if self._trouble else "not_asked"))

    def _paint(self, found: Sequence[Hop]) -> None:
        proxy = str((self.store.facts.get("reach") or {}).get("proxy") or "")
        kind, words = network_path_drawing.in_words(found)
        if self._trouble:
            kind, words = "none", f"The network path could not be checked. {self._trouble}"
        machine = f"{platform.node() or 'this machine'}" + (f", through {proxy}" if proxy else "")
        self.query_one("#path-head", Static).update(
            Content.assemble(("This machine", "bold"), (f"  {machine}", "$text-muted"))
        )
        self._words = (kind, words)
        self.query_one("#path", NetworkPath).show(found)
        self._tell()

    def _tell(self) -> None:
        path = self.query_one("#path", NetworkPath)
        kind, words = getattr(self, "_words", ("", ""))
        lines = [Content.styled(f"{SIGNS[kind]} {words}", STYLES.get(kind, ""))]
        if path.marked is not None and path.has_focus:
            lines = [Content.styled(path.marked.title + "  ", "bold")]
            told = network_path_drawing.explain(path.marked)
            lines[0] += Content.styled(told[0][1], STYLES.get(told[0][0], ""))
            lines += [Content.styled(text, STYLES.get(kind_, "")) for kind_, text in told[1:]]
        self.query_one("#path-detail", Static).update(Content("\n").join(lines))

    @on(NetworkPath.Marked)
    def _marked(self) -> None:
        self._tell()
        if self.query_one("#path").has_focus:
            self.refresh_help()

    @on(NetworkPath.OptionSelected)
    def _details(self) -> None:
        from tui.app.dialogs.text_dialog import TextScreen

        hop = self.query_one(NetworkPath).marked
        if hop is not None:
            text = "\n\n".join(line for _, line in network_path_drawing.explain(hop))
            self.app.push_screen(TextScreen(f"{hop.title}: {hop.words}", text, export=True))

    def on_descendant_focus(self) -> None:
        """Show the highlighted host's details below while the drawing has the focus."""
        self.call_later(self._tell)

    def copied_text(self) -> str | None:
        return network_path_drawing.as_text(
            self._known() or network_path_drawing.waiting("not_asked"), f"From {platform.node() or 'this machine'}:"
        )
