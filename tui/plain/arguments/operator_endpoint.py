"""Which endpoint an operator means (a name, a resource id, a pasted URL, a choice), and a request to try it with."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from tui.engine.journal import runs
from tui.plain.arguments.endpoint import PLACEHOLDER, has_place, target, with_endpoint
from tui.plain.ask_helper import ask
from tui.plain.commands.invoke import read_request
from tui.plain.failure import Failure
from tui.plain.terminal import is_terminal, say, typed_line
from tui.plan.load_save.document import Document


def operated(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """Document and environment of the endpoint that is meant. Raises Failure (2 where it is not known which one)."""
    if not arguments.endpoint:
        return _chosen(arguments)
    return target(arguments)


def _chosen(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """One of the workspace's endpoints, picked on the terminal; without one they are listed, and exit 2 says so."""
    if not (has_place(arguments) or arguments.run):
        last = next(iter(runs.runs()), None)
        if last is None:
            raise Failure(
                "Which endpoint? Name it, paste its scoring URL, or say where it is with --plan or with "
                "--subscription, --resource-group and --workspace.",
                2,
            )
        arguments = with_endpoint(arguments, arguments.endpoint)
        arguments.run = last.id
    document, environ = target(with_endpoint(arguments, PLACEHOLDER))
    found = ask(document, environ, "endpoints", timeout=120)
    items: list[dict[str, Any]] = found.get("items") or []
    if not items:
        raise Failure(found.get("reason") or "There is no endpoint in this workspace.", 2)
    wide = max(len(item["label"]) for item in items)
    for number, item in enumerate(items, 1):
        say(f"{number:3}  {item['label']:{wide}}  {item.get('detail') or ''}".rstrip())
    if arguments.json or not (is_terminal(0) and is_terminal(1)):
        raise Failure("Name one of these: aml-deploy troubleshoot ENDPOINT", 2)
    print("Which one? Its number or name: ", end="", file=sys.stderr, flush=True)
    typed = typed_line().strip()
    if typed.isdigit() and 0 < int(typed) <= len(items):
        typed = str(items[int(typed) - 1]["value"])
    if typed not in {str(item["value"]) for item in items}:
        raise Failure("None of these was chosen.", 2)
    document.set("endpoint.name", typed, "you")
    return document, environ


def request_of(arguments: Namespace, document: Document) -> str | None:
    """The body for test calls: the one that is named, else the plan's or the run's; None where there is none."""
    if arguments.no_test:
        return None
    if arguments.request:
        return read_request(arguments.request)
    kept = document.value("test.request")
    if not kept or "${" in str(kept):
        return None
    path = Path(str(kept)).expanduser()
    path = path if path.is_absolute() else Path(document.base) / path
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
