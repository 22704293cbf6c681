"""Finds the endpoint that the arguments name (name, resource id, scoring URL or choice), and its workspace."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import Any

from tui.engine.journal import runs
from tui.engine.journal.runs import Run
from tui.plain.arguments.endpoint_lookup import RESOURCE_ID, name_in_url, run_of_url, set_place
from tui.plain.arguments.plan_and_environment import located
from tui.plain.ask_helper import ask
from tui.plain.commands.attach import choose
from tui.plain.failure import Failure
from tui.plain.terminal import say, typed_line
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.problems import PlanInvalid
from tui.plan.rules import value_rules
from tui.rehearsal_client import WORKSPACE

PLACEHOLDER = "any-endpoint"
"""A placeholder for a name that is not known yet; it is not sent to Azure."""


def target(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """A document for the named endpoint, and the environment variables to reach it.

    Its workspace comes from the named plan or run, else the options, else a resource id, else the endpoint's latest
    run on this machine. Raises Failure, PlanInvalid.
    """
    if "://" in arguments.endpoint and has_place(arguments):
        return _of_url(arguments)
    found = RESOURCE_ID.match(arguments.endpoint)
    name = found["endpoint"] if found else arguments.endpoint
    run = _run(arguments, name)
    if "://" in name:
        name = run.endpoint if run else name_in_url(name)
    wrong = value_rules.online_name(name)
    if wrong:
        raise Failure(f"{name or arguments.endpoint} is not the name of an endpoint. {wrong}", 2)
    document = _document(arguments, run)
    document.set("endpoint.name", name, "command line")
    if found:
        set_place(document, found, "command line")
    for key, value in zip(WORKSPACE, (arguments.subscription, arguments.resource_group, arguments.workspace)):
        if value:
            document.set(key, value, "command line")
    if run is not None and run.rehearsed and not arguments.rehearse:
        say(f"In the rehearsal, as run {run.id} was; nothing in Azure is changed.")
    try:
        return located(document, rehearse=arguments.rehearse or (run is not None and run.rehearsed))
    except PlanInvalid:
        if run is not None or arguments.plan:
            raise
        raise Failure(
            f"The workspace of the endpoint {name} is unknown: no run on this machine created it. Name its plan with "
            "--plan, or its workspace with --subscription, --resource-group and --workspace.",
            2,
        ) from None


def has_place(arguments: Namespace) -> bool:
    """Whether the arguments specify the workspace."""
    return bool(arguments.plan or arguments.workspace or (arguments.rehearse and not arguments.run))


def changed(arguments: Namespace, **changes: str) -> Namespace:
    """A copy of the arguments with changed values."""
    return Namespace(**{**vars(arguments), **changes})


def _of_url(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """The workspace's endpoint with a scoring URL; queries the workspace, since a URL need not contain the name."""
    document, environ = target(changed(arguments, endpoint=PLACEHOLDER))
    known = ask(document, environ, "endpoint_of_url", timeout=120, url=arguments.endpoint)
    if not known["name"]:
        listed = ", ".join(known["names"]) or "none"
        raise Failure(
            f"No endpoint of this workspace has the scoring URL {arguments.endpoint}. Its endpoints: {listed}.", 2
        )
    document.set("endpoint.name", known["name"], "the scoring URL")
    return document, environ


def _run(arguments: Namespace, name: str) -> Run | None:
    """The run that specifies the endpoint's workspace and whether it is rehearsed, or None. Raises Failure."""
    if arguments.run:
        run = choose(arguments.run)
        if arguments.rehearse and not run.rehearsed:
            raise Failure(f"Run {run.id} was started in Azure: --rehearse does not apply to it. Omit one of both.", 2)
        return run
    if arguments.plan:
        return None
    if "://" in name:
        return run_of_url(name, (run for run in runs.runs() if run.rehearsed or not arguments.rehearse))
    return runs.latest(name, rehearsed=arguments.rehearse)


def _document(arguments: Namespace, run: Run | None) -> Document:
    named = arguments.plan or (run.plan if run is not None else None)
    return load(named) if named else Document()


def target_or_choice(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """Document and environment of the endpoint. Raises Failure (exit code 2 if the endpoint is not specified)."""
    if not arguments.endpoint:
        return _chosen(arguments)
    return target(arguments)


def _chosen(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """An endpoint of the workspace, chosen on the terminal; without a terminal, list them and raise Failure."""
    if not (has_place(arguments) or arguments.run):
        last = next(iter(runs.runs()), None)
        if last is None:
            raise Failure(
                "Which endpoint? Give its name or scoring URL, or specify its workspace with --plan or with "
                "--subscription, --resource-group and --workspace.",
                2,
            )
        arguments = changed(arguments, run=last.id)
    document, environ = target(changed(arguments, endpoint=PLACEHOLDER))
    found = ask(document, environ, "endpoints", timeout=120)
    items: list[dict[str, Any]] = found.get("items") or []
    if not items:
        raise Failure(found.get("reason") or "There is no endpoint in this workspace.", 2)
    wide = max(len(item["label"]) for item in items)
    for number, item in enumerate(items, 1):
        say(f"{number:3}  {item['label']:{wide}}  {item.get('detail') or ''}".rstrip())
    if arguments.json or not (os.isatty(0) and os.isatty(1)):
        raise Failure("Specify one of these: aml-deploy troubleshoot ENDPOINT", 2)
    print("Which one? Enter its number or name: ", end="", file=sys.stderr, flush=True)
    typed = typed_line().strip()
    if typed.isdigit() and 0 < int(typed) <= len(items):
        typed = str(items[int(typed) - 1]["value"])
    if typed not in {str(item["value"]) for item in items}:
        raise Failure("No endpoint was chosen.", 2)
    document.set("endpoint.name", typed, "you")
    return document, environ
