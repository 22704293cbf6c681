"""Helpers to find a named endpoint, shared by the wizard and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from tui.common.typed_path import is_file, typed_path
from tui.engine.journal.run_view import RunView
from tui.engine.journal.runs import Run
from tui.plan.load_save.document import Document
from tui.rehearsal_client import WORKSPACE

RESOURCE_ID = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers"
    r"/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)/onlineEndpoints/(?P<endpoint>[^/]+)/?$",
    re.IGNORECASE,
)


def set_place(document: Document, found: re.Match[str], source: str) -> None:
    """Write the workspace of a resource id into a document."""
    for key, part in zip(WORKSPACE, ("subscription", "group", "workspace")):
        document.set(key, found[part], source)


def names_endpoint(text: str) -> bool:
    """Whether a text names an endpoint, rather than a file: by its id or URL, or since no such file is there.

    Raises UnusablePath for a text that can be neither.
    """
    if "://" in text or RESOURCE_ID.match(text):
        return True
    return not is_file(typed_path(text)) and "/" not in text and not text.lower().endswith((".yml", ".yaml"))


def name_in_url(url: str) -> str:
    """The first label of a scoring URL's host; it need not be the endpoint's name."""
    return str(urlsplit(url).hostname or "").partition(".")[0]


def run_of_url(url: str, runs: Iterable[Run]) -> Run | None:
    """The first run whose endpoint has that scoring URL."""
    for run in runs:
        if RunView().fold_all(run.journal.read()).scoring_uri.rstrip("/") == url.rstrip("/"):
            return run
    return None
