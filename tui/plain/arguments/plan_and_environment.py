"""Turns command-line arguments into a document and environment variables for engine and helper."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping

from tui.plain.failure import Failure
from tui.plain.terminal import say
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import find, presets
from tui.plan.problems import PlanInvalid

PLACE = ("workspace", "credential", "endpoint.name")
"""The keys that specify an endpoint's workspace and the sign-in."""
END = "Deactivate them with: aml-deploy rehearsal --clear-scenarios"


def ready(arguments: Namespace) -> tuple[Document, dict[str, str]]:
    """The named plan and its environment variables; with --rehearse, those of the rehearsal.

    Raises PlanInvalid for problems in the plan itself or with its paths; Failure.
    """
    from tui.plan.load_save.resolve import resolve  # takes a twentieth of the wizard's start-up time

    document = load(arguments.plan, arguments.overlays, arguments.sets)
    practise(arguments)
    if not arguments.rehearse:
        resolve(document, os.environ)
        return document, dict(os.environ)
    return rehearsal_of(document)


def rehearsal_of(document: Document) -> tuple[Document, dict[str, str]]:
    """The document and environment of a plan's rehearsal, which is started if none runs.

    Raises PlanInvalid, for problems in the plan itself before anything is started; Failure.
    """
    from tui.plan.load_save.resolve import resolve
    from tui.rehearsal_client import judge

    judge(document, os.environ)
    document, environ = rehearsal_place(document)
    resolve(document, environ)
    return document, environ


def rehearsal_place(document: Document) -> tuple[Document, dict[str, str]]:
    """Like `rehearsal_of`, for a document that may be incomplete. Raises Failure."""
    from tui.rehearsal_client import CannotRehearse, prepare, with_own_identity

    try:
        environ = prepare(document, os.environ)
    except CannotRehearse as reason:
        raise Failure(str(reason), reason.exit_code) from None
    say_practised(environ)
    return with_own_identity(document, environ), environ


def located(document: Document, *, rehearse: bool) -> tuple[Document, dict[str, str]]:
    """Document and environment to reach its endpoint; the model and other files need not exist.

    Raises PlanInvalid for problems with the workspace, the credential or the endpoint's name; Failure.
    """
    environ: dict[str, str] = dict(os.environ)
    if rehearse:
        document, environ = rehearsal_place(document)
    check_place(document, environ)
    return document, environ


def check_place(document: Document, environ: Mapping[str, str]) -> None:
    """Raise PlanInvalid for problems with the workspace, the credential or the endpoint's name."""
    from tui.plan.load_save.resolve import resolve

    try:
        resolve(document, environ)
    except PlanInvalid as invalid:
        problems = [problem for problem in invalid.problems if problem.key.startswith(PLACE)]
        if problems:
            raise PlanInvalid(problems) from None


def chosen_document(arguments: Namespace) -> Document | None:
    """The document to open in the wizard; None if the arguments name none. Raises Failure, PlanInvalid."""
    if arguments.preset:
        preset = find(arguments.preset)
        if preset is None:
            offered = ", ".join(item.name for item in presets()) or "none"
            raise Failure(f"There is no preset {arguments.preset}. Presets: {offered}.", 2)
        # Further files override the preset.
        overlays = [item for item in (arguments.plan, *arguments.overlays) if item]
        return load(str(preset.path), overlays, arguments.sets)
    if arguments.plan:
        return load(arguments.plan, arguments.overlays, arguments.sets)
    if arguments.sets:
        raise Failure("--set changes a plan: specify one, or a preset.", 2)
    return None


def practise(arguments: Namespace) -> None:
    """Activate the named scenarios, and no others, and the named container engine. Raises Failure."""
    if not arguments.scenario and arguments.container_engine is None:
        return
    if not arguments.rehearse:
        if arguments.scenario:
            raise Failure("--scenario requires --rehearse: failures happen in the rehearsal only, never in Azure.", 2)
        raise Failure("--container-engine requires --rehearse: on Azure, containers are Azure's.", 2)
    from tui.rehearsal_client import CannotRehearse, choose

    try:
        choose(arguments.scenario, arguments.container_engine, os.environ)
    except CannotRehearse as reason:
        raise Failure(str(reason), reason.exit_code) from None


def say_practised(environ: Mapping[str, str]) -> None:
    """Print the active scenarios of the rehearsal, if any."""
    scenarios = environ.get("REHEARSAL_SCENARIOS")
    if scenarios:
        say(f"Active scenarios of the rehearsal: {scenarios}. {END}")
