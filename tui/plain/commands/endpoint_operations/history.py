"""The command `aml-deploy history`, and `aml-deploy rollback --to`, which deploys the kept plan of a run again."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tui.common.redact import HIDDEN
from tui.common.write_atomic import write_atomic
from tui.engine.journal.state_folder import state_folder
from tui.helper.diff_report import before_after
from tui.plain.arguments.endpoint import target
from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import ask, import_endpoint
from tui.plain.commands import apply, export_import
from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED
from tui.plain.terminal import can_ask, confirmed, out, out_json, say
from tui.plan.load_save.az_yaml_import import ImportedDocument
from tui.plan.load_save.document import Document, deployment_trees
from tui.plan.load_save.references import has_reference

READ_SECONDS = 180
KEPT_SECONDS = 30 * 24 * 3600


def run(arguments: Namespace) -> int:
    """Print who changed an endpoint and when, or write a run's plan. Raises Failure, PlanInvalid."""
    if not arguments.plan_of and (arguments.output != "plan.yml" or arguments.force):
        raise Failure("-o and --force are for the plan of a run: add --plan-of RUN.", 2)
    if arguments.plan_of:
        plan = export_import.free_target(arguments)
        document, environ = target(arguments)
        found = import_endpoint(document, environ, Path(plan).absolute().parent, arguments.plan_of)
        export_import.write_plan(found, plan, arguments)
        return 0
    document, environ = target(arguments)
    found = ask(document, environ, "history", timeout=READ_SECONDS)
    for entry in found["entries"] if arguments.json else ():
        out_json(entry)
    if not arguments.json:
        _print(found["entries"], document)
    if found["note"]:
        say(found["note"])
    return 0


def _print(entries: list[dict[str, Any]], document: Document) -> None:
    if not entries:
        say(f"Nothing is known of {document.get('endpoint.name')}: no run has kept a plan, and no change is logged.")
        return
    for entry in entries:
        status = "" if entry["status"] in ("", "Succeeded") else f" ({entry['status']})"
        plan = f"plan {entry['plan_hash']}{', kept' if entry['kept'] else ''}" if entry["plan_hash"] else ""
        about = (f"by {entry['by']}" if entry["by"] else "", f"run {entry['run']}" if entry["run"] else "", plan)
        out(f"{entry['time'][:16].replace('T', ' ')}  {entry['what']}{status}")
        out(f"{'':16}  {', '.join(filter(None, about)) or 'by whom is not known'}")
    kept = next((entry["run"] for entry in entries if entry["kept"]), None)
    if kept:
        say(f"Times are UTC. Deploy a version again: aml-deploy rollback {document.get('endpoint.name')} --to {kept}")


def rollback_to(arguments: Namespace) -> int:
    """Deploy the kept plan of a run again, by an ordinary run; exit codes as for apply. Raises Failure, PlanInvalid.

    The plan's folder is removed unless the run may still need it, to be resumed.
    """
    if not arguments.yes and not can_ask():
        raise Failure(apply.WITHOUT_QUESTION, 2)
    if not re.fullmatch("[0-9a-f-]+", arguments.to):
        raise Failure(f"{arguments.to} is not the id of a run. See: aml-deploy history ENDPOINT", 2)
    document, environ = target(arguments)
    rehearse = "REHEARSAL_SCENARIOS" in environ
    with ExitStack() as prepared:
        folder = _new_folder(arguments.to)
        prepared.callback(shutil.rmtree, folder, ignore_errors=True)
        kept = import_endpoint(document, environ, folder, arguments.to)
        plan = folder / "plan.yml"
        write_atomic(plan, kept.as_yaml())
        nothing: dict[str, Any] = {"overlays": [], "sets": [], "scenario": [], "container_engine": None}
        again = Namespace(**{**vars(arguments), **nothing, "plan": str(plan), "rehearse": rehearse})
        apply.beside(again, steps=False)  # a version that served before gets its traffic at once
        document, environ = ready(again)
        _confirm(arguments, kept, ask(document, environ, "changes", timeout=READ_SECONDS))
        clean_up = prepared.pop_all()
    code = apply.deploy(document, environ, rehearse=rehearse, as_json=arguments.json, detach=arguments.detach)
    if code == 0 and not arguments.detach:
        clean_up.close()
    return code


def _new_folder(run: str) -> Path:
    """A private folder for a kept plan and its code; removes those of a month ago. Raises Failure."""
    try:
        kept = state_folder() / "kept"
        kept.mkdir(mode=0o700, exist_ok=True)
        for old in kept.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{run}-", dir=kept))
    except OSError as error:
        raise Failure(f"{error.filename} cannot be written: {error.strerror}. Set AML_DEPLOY_HOME.") from None


def _confirm(arguments: Namespace, kept: ImportedDocument, changes: list[dict[str, Any]]) -> None:
    """Print what the run will do, and ask. Raises Failure."""
    only_now = [note.message for note in kept.left_out if note.key.startswith("deployment.")]
    if not arguments.as_name and (only_now or any(map(_replaced, changes))):
        name = kept.value("deployment.name") or "blue"
        raise Failure(
            f"The endpoint has a deployment of this name with other content. {' '.join([*only_now, 'It'])} keeps "
            f"serving while the earlier version is deployed alongside it: add --as NAME, such as --as {name}-2. "
            "Nothing was changed.",
            2,
        )
    referred = {
        f"environment_variables.{name}"
        for tree in deployment_trees(kept.tree)
        for name, value in (tree.get("environment_variables") or {}).items()
        if has_reference(value)
    }
    for line in [*_planned(changes, referred)] or ["Nothing differs from what is there."]:
        say(line)
    say("The sample request is not kept with a plan, so the run makes no test call.")
    if not arguments.yes and not confirmed(f"Deploy the version of run {kept.origin.rpartition(' ')[2]} again?"):
        raise Failure("Nothing was done.", INTERRUPTED)


def _replaced(change: Mapping[str, Any]) -> bool:
    """Whether a planned change replaces what a deployment is made of, and not only its instances or tags."""
    return change["resource"] == "deployment" and change["action"] == "change" and not change["in_place"]


def _planned(changes: list[dict[str, Any]], referred: set[str]) -> Iterator[str]:
    """What the run will do, before → after; values that come from elsewhere are not shown."""
    for change in changes:
        if change["action"] != "skip":
            yield f"{change['action']:<6}  {change['resource']} {change['name']}"
            for item in change["changes"]:
                yield f"          {item['field']}: {HIDDEN if item['field'] in referred else before_after(item)}"
