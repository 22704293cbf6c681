"""Which endpoint a command means, and the plan that says where it is and how to sign in."""

from __future__ import annotations

import re
from argparse import Namespace
from urllib.parse import urlsplit

from tui.engine.journal import runs
from tui.engine.journal.run_view import RunView
from tui.engine.journal.runs import Run
from tui.plain.arguments.plan_and_environment import located
from tui.plain.commands.attach import choose
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.problems import PlanInvalid
from tui.plan.rules import value_rules
from tui.rehearsal_client import WORKSPACE

PLACEHOLDER = "any-endpoint"
"""Stands where a name is not known yet; nothing is asked about it."""
RESOURCE_ID = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers"
    r"/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)/onlineEndpoints/(?P<endpoint>[^/]+)/?$",
    re.IGNORECASE,
)


def target(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """A document whose endpoint is the one that is meant, and the environment to reach it with.

    The plan or run that is named says where it is; else the options, else a resource id, else the endpoint's latest run
    on this machine. Raises Failure, PlanInvalid.
    """
    if "://" in arguments.endpoint and has_place(arguments):
        return _of_url(arguments)
    found = RESOURCE_ID.match(arguments.endpoint)
    url = urlsplit(arguments.endpoint) if "://" in arguments.endpoint else None
    run = _run(arguments, found.group("endpoint") if found else None, url is not None)
    if found:
        name = found.group("endpoint")
    elif url is not None:
        name = run.endpoint if run else str(url.hostname or "").partition(".")[0]
    else:
        name = arguments.endpoint
    wrong = value_rules.online_name(name)
    if wrong:
        raise Failure(f"{name or arguments.endpoint} is not the name of an endpoint. {wrong}", 2)
    document = _document(arguments, run)
    document.set("endpoint.name", name, "command line")
    if found:
        for key, part in zip(WORKSPACE, ("subscription", "group", "workspace")):
            document.set(key, found.group(part), "command line")
    for key, value in zip(WORKSPACE, (arguments.subscription, arguments.resource_group, arguments.workspace)):
        if value:
            document.set(key, value, "command line")
    try:
        return located(document, rehearse=arguments.rehearse or (run is not None and run.rehearsed))
    except PlanInvalid:
        if run is not None or arguments.plan:
            raise
        raise Failure(
            f"It is not known here where the endpoint {name} is: no run on this machine made it. Name its plan with "
            "--plan, or its workspace with --subscription, --resource-group and --workspace.",
            2,
        ) from None


def has_place(arguments: Namespace) -> bool:
    """Whether the arguments say in which workspace to look."""
    return bool(arguments.plan or arguments.workspace or (arguments.rehearse and not arguments.run))


def with_endpoint(arguments: Namespace, endpoint: str) -> Namespace:
    """The same arguments for another endpoint."""
    return Namespace(**{**vars(arguments), "endpoint": endpoint})


def _of_url(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """The endpoint of the workspace with a scoring URL; the workspace is asked, for a URL need not hold the name."""
    from tui.plain.ask_helper import ask

    document, environ = target(with_endpoint(arguments, PLACEHOLDER))
    known = ask(document, environ, "endpoint_of_url", timeout=120, url=arguments.endpoint)
    if not known["name"]:
        listed = ", ".join(known["names"]) or "none"
        raise Failure(f"No endpoint of this workspace has the scoring URL {arguments.endpoint}. It has: {listed}.", 2)
    document.set("endpoint.name", known["name"], "the scoring URL")
    return document, environ


def _run(arguments: Namespace, name: str | None, is_url: bool) -> Run | None:
    """The run that says where the endpoint is, if one does."""
    if arguments.run:
        return choose(arguments.run)
    if arguments.plan:
        return None
    if is_url:
        return next((run for run in runs.runs() if _scoring_uri(run) == arguments.endpoint.rstrip("/")), None)
    return runs.latest(name or arguments.endpoint)


def _scoring_uri(run: Run) -> str:
    return RunView().fold_all(run.journal.read()).scoring_uri.rstrip("/")


def _document(arguments: Namespace, run: Run | None) -> Document:
    if arguments.plan:
        return load(arguments.plan)
    if run is not None:
        return load(run.plan)
    return Document()
