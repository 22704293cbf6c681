"""The step Workspace: selects the workspace, and explains what its network isolation means for the endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from textual.widget import Widget

from tui.app.steps.form_pane import FormPane
from tui.app.steps.network import isolation
from tui.app.steps.step_findings import StepFindings
from tui.app.widgets.facts import Fact, Facts


class WorkspacePane(FormPane):
    """Shows the workspace's fields, and reads it as soon as its three fields are complete."""

    step = "workspace"
    asks = "workspace"
    reads = ("workspace",)
    busy = "Reading the workspace"
    extra_label = "Refresh"

    def below(self) -> Iterable[Widget]:
        yield StepFindings(self.store, self.step)
        yield Facts(id="found", column=10)

    def arrive(self) -> None:
        if "workspace" in self.store.facts:
            self._show(self.store.facts["workspace"], [])
        else:
            self.look()

    def outdated(self) -> None:
        self.query_one("#found", Facts).show([])

    def may_ask(self) -> bool:
        return not self.store.ready.is_set() or not any(self.store.problem(row.field.key) for row in self.rows())

    def answered(self, answer: Any) -> None:
        self._show(answer, isolation.apply(self.store, answer))

    def _show(self, found: dict[str, Any], changed: list[str]) -> None:
        self.query_one("#found", Facts).show(about(found, changed, self.store.value))

    async def extra(self) -> None:
        self.ask_again()

    def ask_again(self) -> None:
        """Read the workspace again, and discard the lists."""
        for question in ("subscriptions", "resource_groups", "workspaces"):
            self.store.facts.pop(question, None)
        super().ask_again()

    def copied_text(self) -> str | None:
        found = self.store.facts.get("workspace")
        return str(found["id"]) if found and found.get("id") else None


def about(found: Mapping[str, Any], changed: list[str], value: Callable[[str], Any]) -> list[Fact]:
    """Describe the workspace, and what follows from it for the plan; `value(key)` returns the plan's values."""
    facts = [Fact("ok", "Workspace", f"{found['name']} in {found['location']}")]
    facts.append(Fact("", "Isolation", in_words(found)))
    # The consequences for the plan come first: on a short screen the rest may need scrolling.
    facts += [Fact("warn", "Plan", sentence) for sentence in changed]
    if found.get("isolation") == "legacy":
        hit = isolation.without_code(value)
        facts.append(Fact("bad" if hit else "none", "MLflow", "Needs a scoring script: refused otherwise under legacy "
                          "isolation." + (" The plan has none yet." if hit else "")))  # fmt: skip
    if found.get("v1_legacy_mode"):
        facts.append(Fact("bad", "Mode", "v1 legacy mode is enabled; managed online endpoints need it disabled. "
                          "The command is in Review."))  # fmt: skip
    return [*facts, *_network(found), *_reached(found), *_images(found)]


def in_words(found: Mapping[str, Any]) -> str:
    """Describe the network isolation and its effects (Microsoft, concept-secure-online-endpoint)."""
    kind = found.get("isolation")
    if kind == "managed_network":
        mode = (found.get("managed_network") or {}).get("isolation_mode")
        named = f" ({mode})" if mode else ""
        return (
            f"Managed virtual network. Its outbound rules{named} decide what a deployment may reach (its egress), "
            "so the plan does not set the egress flag."
        )
    if kind == "legacy":
        return (
            "Legacy: closed, without a managed virtual network. Only with egress (what it may reach) disabled does a "
            "deployment get private endpoints to workspace, storage and registry."
        )
    if kind == "public":
        return "Open to public networks. Both network flags can be chosen in the step Network."
    return "Not known. " + str(found.get("explain") or "")


def _network(found: Mapping[str, Any]) -> list[Fact]:
    status = str((found.get("managed_network") or {}).get("status") or "")
    if found.get("isolation") == "managed_network" and status.lower() not in ("active", ""):
        return [Fact("warn", "Network", f"not provisioned yet (status: {status})")]
    return []


def _reached(found: Mapping[str, Any]) -> list[Fact]:
    """Explain who can reach the workspace: everyone, or only through its private endpoints."""
    access = str(found.get("public_network_access") or "")
    known: Mapping[str, str] | None = found.get("private_endpoints")
    private = [f"{name} ({state.lower() or 'state unknown'})" for name, state in (known or {}).items()]
    named = ", ".join(private[:3]) + (f" and {len(private) - 3} more" if len(private) > 3 else "")
    if not access:
        return []
    if access.lower() != "disabled":
        text = "from public networks, after sign-in"
        return [Fact("", "Access", f"{text}, and privately through {named}" if private else text)]
    if known and private:
        ready = any(state.lower() == "approved" for state in known.values())
        return [Fact("" if ready else "warn", "Access", f"only through a private endpoint, its address inside a "
                     f"virtual network: {named}")]  # fmt: skip
    if known is None or found.get("private_endpoints_reason"):
        reason = str(found.get("private_endpoints_reason") or "")
        return [Fact("none", "Access", f"only through private endpoints. {reason}".strip())]
    return [Fact("warn", "Access", "unreachable: closed to public networks, without a private endpoint")]


def _images(found: Mapping[str, Any]) -> list[Fact]:
    """Explain what builds the environment's image; Azure cannot build it for a registry that is closed to it."""
    if "image_build_compute" not in found:
        return []
    compute = found["image_build_compute"]
    if compute:
        return [Fact("", "Images", f"built by the compute {compute} (image_build_compute)")]
    if str(found.get("public_network_access")).lower() == "disabled":
        return [Fact("warn", "Images", "image_build_compute is not set: if the registry is closed, Azure cannot "
                     "build images.")]  # fmt: skip
    return [Fact("", "Images", "built by Azure")]
