"""Turns what an operator types or selects into a document that identifies the endpoint. Contains no screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.plain.arguments.endpoint_lookup import RESOURCE_ID, name_in_url, run_of_url, set_place
from tui.plan.load_save.document import Document
from tui.plan.rules import value_rules
from tui.rehearsal_client import WORKSPACE

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run

MOST = 50  # runs, the newest, that are searched for an endpoint


class NotKnown(ValueError):
    """The endpoint could not be identified or located; the text says what to enter."""


@dataclass(frozen=True)
class FoundEndpoint:
    """A document that identifies an endpoint; `rehearsed` if it is in the rehearsal."""

    document: Document
    rehearsed: bool


def of_run(run: Run) -> FoundEndpoint:
    """Return a run's endpoint. Raises PlanInvalid."""
    from tui.plan.load_save.load import load

    document = load(run.plan)
    document.set("endpoint.name", run.endpoint, "the run")
    return FoundEndpoint(document, run.rehearsed)


def of_text(typed: str, environ: Mapping[str, str], rehearse: bool = False) -> FoundEndpoint:
    """Find an endpoint by name, resource ID or scoring URL; with `rehearse`, a name is one in the rehearsal.

    Raises NotKnown, PlanInvalid, OSError.
    """
    from tui.engine.journal.runs import runs

    typed = typed.strip()
    found = RESOURCE_ID.match(typed)
    if found:
        document = Document()
        set_place(document, found, "you")
        document.set("endpoint.name", found["endpoint"], "you")
        return FoundEndpoint(document, rehearse)
    listed = runs()[:MOST]
    usable = [run for run in reversed(listed) if run.endpoint and (run.rehearsed or not rehearse)]
    usable.sort(key=lambda run: run.rehearsed is rehearse)  # the last one is taken: the newest of the chosen mode
    known = {run.endpoint.lower(): run for run in usable}
    if "://" in typed:
        run = run_of_url(typed, listed)
        if run is not None:
            return of_run(run)
        typed = name_in_url(typed)
    wrong = value_rules.online_name(typed)
    if wrong:
        raise NotKnown(f"{typed or 'Empty text'} is not a valid endpoint name. {wrong}")
    if typed.lower() in known:
        return of_run(known[typed.lower()])
    if not rehearse and not all(environ.get(name) for name in WORKSPACE.values()):
        raise NotKnown(
            f"The workspace of {typed} is not known: no run on this machine created it. Paste its resource ID, or set "
            f"{', '.join(WORKSPACE.values())} before starting."
        )
    document = Document()
    for key, name in WORKSPACE.items():
        document.set(key, f"${{env:{name}}}", "the environment")
    document.set("endpoint.name", typed, "you")
    return FoundEndpoint(document, rehearse)
