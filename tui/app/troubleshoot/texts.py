"""Words of the operator's screen. No screens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from tui.helper import troubleshoot_report as words

HELP = (
    "What is wrong with this endpoint, the worst first. Enter on a finding shows why, what was seen, and what to do; "
    "where something can be mended from here, it is previewed and confirmed first.\n\n"
    "Left and right go from section to section; Esc leads to the row of sections, Enter or Down into one.\n\n"
    "State: what it is, and what it costs. Path: from this machine to every host. Logs: both containers, followed and "
    "searched. Changes: who changed what in the last 24 hours. Metrics: the last hour. Tests: one request, as the "
    "traffic routes it, and to each deployment."
)


def row(name: str, value: str) -> Content:
    """A name and what it stands for."""
    return Content.assemble((f"{name:14}", "$text-muted"), value)


def lines(found: Any, line: Any, none: str, unread: str) -> list[Content]:
    """A line for each; words where there is none, and where it was not read."""
    if found is None:
        return [Content(unread)]
    return [Content(line(item)) for item in found] or [Content(none)]


def test_text(call: Mapping[str, Any]) -> str:
    """A test call with the beginning of its answer."""
    body = "\n".join(f"    {line}" for line in str(call.get("body") or "").splitlines()[:6])
    return f"{words.test_line(call)}\n{body}" if body else words.test_line(call)


def log_name(log: Mapping[str, Any]) -> str:
    """What a container's log is called beside its lines."""
    return str(log["deployment"]) + ("" if log["container"] == "inference-server" else " init")
