"""The command `aml-deploy attach`: shows a run from its beginning and follows it; resumes it if its engine stopped."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Collection, Mapping

from tui.engine import heartbeat_and_takeover, start_stop
from tui.engine.journal import runs
from tui.engine.journal.runs import Run
from tui.plain.arguments.plan_and_environment import rehearsal_of
from tui.plain.commands.apply import watch
from tui.plain.failure import Failure
from tui.plain.signals import Signals
from tui.plain.terminal import can_ask, say
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.load_save.typed_secrets import known, to_ask


def run(arguments: Namespace) -> int:
    """Show the run and return its exit code. Raises Failure, PlanInvalid."""
    chosen = choose(arguments.run)
    unfinished = not chosen.journal.finished()
    host = elsewhere(chosen) if unfinished else ""
    resumed = unfinished and not host and not chosen.alive
    with Signals() as signals:
        if host:
            say(f"The engine on {host} is working on run {chosen.id}; following it from this machine.")
        if resumed:
            there = "the rehearsal" if chosen.rehearsed else "Azure"
            say(f"The engine of run {chosen.id} has stopped; resuming the run in {there}.")
            _resume(chosen)
        return watch(chosen, signals, starting=resumed, stops=False, as_json=arguments.json)


def choose(name: str | None) -> Run:
    """The run with that id or unique beginning of an id; without a name, the latest. Raises Failure."""
    everything = runs.runs()
    if not everything:
        raise Failure("There are no runs on this machine. aml-deploy apply PLAN starts one.", 2)
    if not name:
        return everything[0]
    found = [run for run in everything if run.id == name] or [run for run in everything if run.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = "No run has the id" if not found else f"{len(found)} runs have ids that start with"
    raise Failure(f"{what} {name}. aml-deploy runs lists them.", 2)


def elsewhere(chosen: Run) -> str:
    """The other machine that works on the run, or an empty text; waits a few seconds if the clocks are not enough."""

    def waiting(host: str) -> None:
        say(f"The engine of run {chosen.id} was on {host}; checking for a few seconds whether it is still working.")

    beat = heartbeat_and_takeover.observed_elsewhere(chosen.folder, waiting)
    return beat.host if beat else ""


def _resume(chosen: Run) -> None:
    document = load(chosen.plan)
    environ: Mapping[str, str] = dict(os.environ)
    if chosen.rehearsed:
        document, environ = rehearsal_of(document)
    secrets = typed_again(document, environ, chosen.typed)
    resolve(document, environ, secrets)
    start_stop.resume(chosen, environ=environ, secrets=secrets)


def typed_again(document: Document, environ: Mapping[str, str], typed: Collection[str] = ()) -> dict[str, str]:
    """Ask again for secrets that were typed at the run's start and kept in memory only. Raises Failure."""
    secrets: dict[str, str] = {}
    for key in to_ask(document, environ, typed=typed):
        label = BY_KEY[key].label
        if not can_ask():
            if known(document, key, environ):
                continue  # no terminal to ask on; the plan's reference may be enough
            raise Failure(
                f"The {label.lower()} was typed when the run started, and was not stored. Attach on a terminal to "
                f"enter it, or use a reference in the plan: {document.value(key) or '${env:AZURE_CLIENT_SECRET}'}.",
                2,
            )
        import getpass

        with contextlib.suppress(EOFError):
            secrets[key] = getpass.getpass(f"{label} (not shown): ")
        if not secrets.get(key):
            raise Failure(f"The {label.lower()} is needed to resume the run. Nothing was done.", 2)
    return secrets
