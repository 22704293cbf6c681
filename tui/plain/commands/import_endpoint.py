"""The command `aml-deploy import`, for an endpoint that is there; files are imported by `export_import`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tui.plain.arguments.endpoint import changed, target
from tui.plain.arguments.endpoint_lookup import names_endpoint
from tui.plain.ask_helper import import_endpoint
from tui.plain.commands import export_import
from tui.plain.failure import Failure

OF_FILES = ("endpoint_name", "sets")
OF_ENDPOINTS = ("plan", "run", "subscription", "resource_group", "workspace", "rehearse")


def run(arguments: Namespace) -> int:
    """Write the plan of an endpoint or of `az ml` files; exit code 0. Raises Failure, PlanInvalid."""
    of_endpoint = len(arguments.files) == 1 and names_endpoint(arguments.files[0])
    what, foreign = ("an endpoint", OF_FILES) if of_endpoint else ("files", OF_ENDPOINTS)
    given = [f"--{name.replace('_', '-').replace('sets', 'set')}" for name in foreign if getattr(arguments, name)]
    if given:
        raise Failure(f"{given[0]} does not apply to the import of {what}. Omit it.", 2)
    if not of_endpoint:
        return export_import.read(arguments)
    plan = export_import.free_target(arguments)
    document, environ = target(changed(arguments, endpoint=arguments.files[0]))
    export_import.write_plan(import_endpoint(document, environ, Path(plan).absolute().parent), plan, arguments)
    return 0
