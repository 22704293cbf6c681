"""Describes the network path from this machine to Azure's hosts, as a drawing and as text. Contains no screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tui.common.cell_width import ljust

# How a state is shown: a sign, a kind (ok, warn, bad, busy, none), a label.
STATES: dict[str, tuple[str, str, str]] = {
    "reachable": ("✔", "ok", "reachable"),
    "unreachable": ("✖", "bad", "unreachable"),
    "unresolved": ("✖", "bad", "no address"),
    "wrong_address": ("✖", "bad", "public address"),
    "tls": ("✖", "bad", "certificate"),
    "unknown": ("?", "none", "not known"),
    "not_tried": ("·", "none", "not tried"),
    "asking": ("▸", "busy", "checking"),
    "not_asked": ("·", "none", "not checked"),
}

# The hosts that every plan calls; drawn until, or instead of, an answer.
NEEDED: tuple[tuple[str, str, str], ...] = (
    ("resource-manager", "Resource Manager", "creates and reads all resources"),
    ("login", "Sign-in authority", "signs in"),
    ("storage", "Workspace's storage", "receives the model and the code"),
    ("scoring", "Scoring host", "serves requests"),
)


@dataclass(frozen=True)
class Hop:
    """A host on the path: its name and purpose, the address it resolves to, and whether it is reachable.

    `private` is whether its addresses are private, None if it has none.
    """

    name: str
    title: str
    purpose: str = ""
    state: str = "unknown"
    needed: bool = True
    host: str = ""
    addresses: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    private: bool | None = None
    expected: str = ""
    issuer: str = ""
    detail: str = ""
    remedy: str = ""
    command: str = ""

    @property
    def sign(self) -> str:
        """The state as one character; a problem with a host the plan does not call is not an error."""
        sign, kind, _ = STATES.get(self.state, STATES["unknown"])
        return "!" if kind == "bad" and not self.needed else sign

    @property
    def kind(self) -> str:
        """The state's kind: ok, warn, bad, busy or none."""
        kind = STATES.get(self.state, STATES["unknown"])[1]
        return "warn" if kind == "bad" and not self.needed else kind

    @property
    def words(self) -> str:
        """The state's label."""
        return STATES.get(self.state, STATES["unknown"])[2]

    @property
    def local(self) -> bool:
        """Whether the address is this machine, as in a rehearsal."""
        return bool(self.addresses) and all(item.startswith("127.") or item == "::1" for item in self.addresses)

    @property
    def line(self) -> str:
        """The connection, drawn in 21 characters."""
        if self.state == "asking":
            return ljust("── … ", 20, "─") + "▷"
        if self.state == "unresolved":
            return ljust("── no address ", 20, "─") + "╳"
        if self.state in ("not_asked", "not_tried") or self.private is None:
            return "─ " * 10 + "▷"
        over = "this machine" if self.local else "private endpoint" if self.private else "public network"
        return ljust(f"── {over} ", 20, "─") + ("▶" if self.state == "reachable" else "╳")


def waiting(state: str, known: Sequence[Hop] = ()) -> list[Hop]:
    """Return the hosts every plan calls in a state without results; known hosts keep their names and addresses."""
    if known:
        return [Hop(hop.name, hop.title, hop.purpose, state, hop.needed, hop.host) for hop in known]
    return [Hop(name, title, purpose, state) for name, title, purpose in NEEDED]


def hops(answer: Mapping[str, Any]) -> list[Hop]:
    """Return the hosts of the helper's answer, those that the plan needs first."""
    found = [_hop(item) for item in answer.get("hops") or ()]
    return sorted(found, key=lambda hop: not hop.needed)


def _hop(item: Mapping[str, Any]) -> Hop:
    name = str(item.get("name") or "")
    titled = str(item.get("title") or name).removeprefix("The ")
    title = {known: title for known, title, _ in NEEDED}.get(name) or titled[:1].upper() + titled[1:]
    told = {one.name: item[one.name] for one in fields(Hop) if item.get(one.name) is not None}
    for several in ("addresses", "cnames"):
        told[several] = tuple(told.get(several, ()))
    return Hop(**{**told, "name": name, "title": title, "needed": bool(item.get("needed"))})


def explain(hop: Hop) -> list[tuple[str, str]]:
    """Explain a host, as (kind, sentence): where it is, what is wrong, what to do."""
    lines = []
    where = f"{hop.host or 'host name not known yet'}: {hop.purpose}" if hop.purpose else hop.host
    if hop.addresses:
        kind = "this machine" if hop.local else "private" if hop.private else "public"
        chain = f", through {' and '.join(hop.cnames[:3])}" if hop.cnames else ""
        where += f". At {', '.join(hop.addresses[:3])} ({kind}){chain}"
    lines.append(("", f"{where}." + ("" if hop.needed else " This plan does not call it.")))
    if hop.detail:
        lines.append((hop.kind if hop.kind in ("bad", "warn") else "none", hop.detail))
    if hop.issuer and hop.state in ("tls", "reachable"):
        lines.append(("none", f"Certificate issued by {hop.issuer}."))
    if hop.remedy:
        lines.append(("", f"To do: {hop.remedy}"))
    if hop.command:
        lines.append(("", hop.command))
    return lines


def as_text(found: Sequence[Hop], machine: str) -> str:
    """Return the state and details of every host, as text to copy."""
    parts = [machine]
    for hop in found:
        parts.append(f"{hop.sign} {hop.title}: {hop.words}")
        parts += [f"    {text}" for _, text in explain(hop)]
    return "\n".join(parts) + "\n"


def in_words(found: Sequence[Hop]) -> tuple[str, str]:
    """Summarize the whole path: a kind and a sentence."""
    if any(hop.state == "asking" for hop in found):
        return "busy", "Resolving and connecting to each host."
    needed = [hop for hop in found if hop.needed]
    bad = [hop for hop in needed if hop.kind == "bad"]
    if bad:
        verb = "is" if len(bad) == 1 else "are"
        return "bad", f"{', '.join(hop.title for hop in bad)} {verb} not reachable as required from this machine."
    unknown = [hop for hop in needed if hop.kind == "none"]
    if unknown and len(unknown) == len(needed):
        return "none", "The network path has not been checked yet."
    if unknown:
        return "none", f"All known hosts are reachable; not known: {', '.join(hop.title for hop in unknown)}."
    if any(hop.name == "scoring" and hop.state == "not_tried" for hop in found):
        return "ok", "All hosts that can be checked before the endpoint exists are reachable."
    return "ok", "All hosts that this plan calls are reachable from this machine."
