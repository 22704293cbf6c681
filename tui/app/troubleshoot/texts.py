"""Texts of the troubleshoot screen. Contains no screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from tui.helper import troubleshoot_report as words

HELP = (
    "Findings: what is wrong with this endpoint, worst first. Enter on a finding shows the cause, the evidence and "
    "what to do; fixes that can be applied from here are previewed and confirmed first.\n\n"
    "Left and right switch sections; Esc goes to the row of sections, Enter or Down into one.\n\n"
    "State: configuration and cost. Path: from this machine to every host. Logs: both containers, with follow and "
    "search. Changes: who changed what in the last 24 hours. Metrics: the last hour. Tests: one request, routed by the "
    "traffic split, and one to each deployment."
)


def row(name: str, value: str) -> Content:
    """Return a row with a name and its value."""
    return Content.assemble((f"{name:14}", "$text-muted"), value)


def lines(found: Any, line: Any, none: str, unread: str) -> list[Content]:
    """Return a line for each item; `none` if there are no items, `unread` if they could not be read."""
    if found is None:
        return [Content(unread)]
    return [Content(line(item)) for item in found] or [Content(none)]


def test_text(call: Mapping[str, Any]) -> str:
    """Return a test call's line, with the first lines of the response body."""
    body = "\n".join(f"    {line}" for line in str(call.get("body") or "").splitlines()[:6])
    return f"{words.test_line(call)}\n{body}" if body else words.test_line(call)
