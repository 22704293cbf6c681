"""How long an operation outside of a run may take."""

from __future__ import annotations

from tui.plan.load_save.document import Document
from tui.plan.rules.durations import seconds_of


def wait_limit(document: Document, name: str, usual: float) -> float:
    """The limit of keys, traffic, removal or a fix, in seconds: the plan's `limits.NAME`, else `usual`.

    It is never more than the plan's `limits.total`. A limit that is a reference, or not a duration, does not count.
    """
    named, total = (seconds_of(document.get(f"limits.{key}")) for key in (name, "total"))
    given = usual if named is None else named
    return given if total is None else min(given, total)
