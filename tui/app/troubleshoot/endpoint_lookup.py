"""From what an operator types or picks to a document that says where the endpoint is. No screens here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tui.plan.load_save.document import Document
from tui.plan.rules import value_rules

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run

RESOURCE_ID = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers"
    r"/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)/onlineEndpoints/(?P<endpoint>[^/]+)/?$",
    re.IGNORECASE,
)
PLACE = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")
KEYS = ("workspace.subscription_id", "workspace.resource_group", "workspace.name")
MOST = 8


class NotKnown(ValueError):
    """Which endpoint is meant, or where it is, is not known; the text is a sentence that says what to type."""


@dataclass(frozen=True)
class Operated:
    """An endpoint and what says where it is; `rehearsed` by a run that was."""

    document: Document
    rehearsed: bool = False


@dataclass(frozen=True)
class Known:
    """An endpoint that a run on this machine has made or changed."""

    endpoint: str
    about: str
    run: Run


def known_endpoints() -> list[Known]:
    """The endpoints of this machine's runs, the last used first. Raises OSError."""
    from tui.engine.journal.runs import runs

    found: dict[str, Known] = {}
    for run in runs()[:50]:
        if run.endpoint and run.endpoint not in found:
            kind = ", rehearsed" if run.rehearsed else ""
            began = run.started.replace("T", " ").replace("Z", " UTC")
            found[run.endpoint] = Known(run.endpoint, f"last run {run.status}{kind}, {began}", run)
    return list(found.values())[:MOST]


def of_run(run: Run) -> Operated:
    """The endpoint of a run. Raises PlanInvalid."""
    from tui.plan.load_save.load import load

    document = load(run.plan)
    document.set("endpoint.name", run.endpoint, "the run")
    return Operated(document, run.rehearsed)


def of_text(typed: str, environ: Mapping[str, str], rehearse: bool = False) -> Operated:
    """The endpoint that a name, a resource id or a scoring URL names. Raises NotKnown, PlanInvalid, OSError."""
    typed = typed.strip()
    found = RESOURCE_ID.match(typed)
    if found:
        document = Document()
        for key, part in zip(KEYS, ("subscription", "group", "workspace")):
            document.set(key, found[part], "you")
        document.set("endpoint.name", found["endpoint"], "you")
        return Operated(document)
    known = {item.endpoint.lower(): item for item in known_endpoints()}
    if "://" in typed:
        run = next((item.run for item in known.values() if _scoring_uri(item.run) == typed.rstrip("/")), None)
        if run is not None:
            return of_run(run)
        typed = str(urlsplit(typed).hostname or "").partition(".")[0]
    wrong = value_rules.online_name(typed)
    if wrong:
        raise NotKnown(f"{typed or 'Nothing'} is not the name of an endpoint. {wrong}")
    if typed.lower() in known:
        return of_run(known[typed.lower()].run)
    if not rehearse and not all(environ.get(name) for name in PLACE):
        raise NotKnown(
            f"Where {typed} is is not known here: no run on this machine made it. Paste its resource id, or set "
            f"{', '.join(PLACE)} before starting."
        )
    document = Document()
    for key, name in zip(KEYS, PLACE):
        document.set(key, f"${{env:{name}}}", "the environment")
    document.set("endpoint.name", typed, "you")
    return Operated(document)


def _scoring_uri(run: Run) -> str:
    from tui.engine.journal.run_view import RunView

    return RunView().fold_all(run.journal.read()).scoring_uri.rstrip("/")


def request_body(document: Document) -> str | None:
    """The plan's request for test calls; None where there is none to read."""
    named = document.value("test.request")
    if not named or "${" in str(named):
        return None
    path = Path(str(named)).expanduser()
    try:
        return (path if path.is_absolute() else Path(document.base) / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
