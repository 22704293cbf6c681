"""Prepares plan and environment for `--rehearse`, so that engine and helper use the rehearsal (a local Azure).

The rehearsal is a separate process (`python -m tui.rehearsal`). Clients find it through environment variables that any
client of Azure reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tui.common import child_process
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand, has_reference, names
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid

WORKSPACE = {
    "workspace.subscription_id": "AZURE_SUBSCRIPTION_ID",
    "workspace.resource_group": "AZURE_RESOURCE_GROUP",
    "workspace.name": "AZURE_ML_WORKSPACE",
}
OWN_IDENTITY = "rehearsal's own identity"
EGRESS = "deployment.egress_public_network_access"
START_SECONDS = 90
_PLACEHOLDERS = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
    "AZURE_RESOURCE_GROUP": "rehearsal",
    "AZURE_ML_WORKSPACE": "rehearsal",
}
_PRINCIPAL = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")


class CannotRehearse(Exception):
    """The rehearsal cannot be used; the text says why and what to do."""

    exit_code = 1


def prepare(document: Document, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that point Azure clients to the rehearsal, which is started if none runs.

    Workspace variables set by the user are kept; the others name a workspace of the rehearsal: the one with legacy
    isolation for a plan that disables egress, the open one for a plan that enables it, else the one with a managed
    virtual network. A workspace named by the plan or the user is added to the rehearsal, with the isolation that fits.

    Takes the time of a process start, up to a few seconds for the first. Raises CannotRehearse.
    """
    flags = {str(one.value(EGRESS)) for one in document.each() if one.value(EGRESS)}
    isolation = ("public" if flags == {"enabled"} else "legacy") if flags else "managed"
    named = {key: _resolved(document.value(key), environ) for key in WORKSPACE}
    complete = all(_usable(key, value) for key, value in named.items())
    answer = _ask(environ, tuple(named.values()) if complete else (), isolation)
    merged = dict(environ)
    for name in answer["unset"]:
        merged.pop(name, None)
    merged.update(answer["set"])
    merged["REHEARSAL_SCENARIOS"] = ", ".join(answer["scenarios"])
    pace = answer["pace"]
    merged["REHEARSAL_SPEED"] = str(pace["speed"]) if pace["pace"] == "azure" else ""
    own = answer["workspaces"][isolation]
    for key, variable in WORKSPACE.items():
        merged[variable] = environ.get(variable) or own[key.partition(".")[2]]
    if not complete:
        # Missing names now have values. A mixture of the user's and the rehearsal's names is a valid workspace too.
        named = {key: _resolved(document.value(key), merged) for key in WORKSPACE}
        known = [tuple(place.values()) for place in answer["workspaces"].values()]
        if tuple(named.values()) not in known and all(_usable(key, value) for key, value in named.items()):
            _ask(environ, tuple(named.values()), isolation)
    if _resolved(document.get("credential.client_id"), environ) == merged.get("REHEARSAL_CLIENT_ID"):
        merged.update({name: environ[name] for name in _PRINCIPAL if environ.get(name)})
    return merged


def with_own_identity(document: Document, environ: Mapping[str, str]) -> Document:
    """The document for a rehearsal, which signs in with the rehearsal's own identity.

    `environ` is the result of `prepare`, or the user's own before that. The rehearsal's practice service principal is
    kept, so that signing in with a correct or wrong secret can be rehearsed.
    """
    if document.value("credential.method") == "service_principal" and _is_practice(document, environ):
        return document
    changed = document.copy()
    for key in ("tenant_id", "client_id", "client_secret"):
        changed.set(f"credential.{key}", None, OWN_IDENTITY)
    changed.set("credential.method", "default", OWN_IDENTITY)
    return changed


def without_assumed(document: Document, written: Document, assumed: Collection[str] = ()) -> Document:
    """A copy of the document to save or export: what the rehearsal assumes is again as in `written`.

    That is its own identity, where nobody has typed over it since, and the values of the keys `assumed`.
    """
    saved, before = document.copy(), written.copy()
    before.shown = saved.shown
    own = [key for key in BY_KEY if key.startswith("credential.") and saved.sources.get(key) == OWN_IDENTITY]
    for key in (*own, *assumed):
        saved.set(key, before.get(key), before.sources.get(key, before.origin))
    return saved


def _is_practice(document: Document, environ: Mapping[str, str]) -> bool:
    """Whether the client id is, or refers to, that of the rehearsal's practice service principal."""
    client = document.get("credential.client_id")
    practice = environ.get("REHEARSAL_CLIENT_ID")
    return names(client) == ["REHEARSAL_CLIENT_ID"] or (practice is not None and _resolved(client, environ) == practice)


def judge(document: Document, environ: Mapping[str, str]) -> None:
    """Raise PlanInvalid for problems that the rehearsal's variables do not solve."""
    filled = {**_PLACEHOLDERS, **{name: value for name, value in environ.items() if value}}
    try:
        resolve(document, filled)
    except PlanInvalid as invalid:
        problems = [
            problem
            for problem in invalid.problems
            if not problem.key.startswith("credential.") or not _missing_here(document, problem.key, filled)
        ]
        if problems:
            raise PlanInvalid(problems) from None


def _missing_here(document: Document, key: str, environ: Mapping[str, str]) -> bool:
    """Whether the value is an unset reference, which the rehearsal's variables or identity can replace."""
    value = document.value(key) if key in BY_KEY else None
    return value is None or (has_reference(value) and _resolved(value, environ) is None)


def _resolved(value: Any, environ: Mapping[str, str]) -> str | None:
    """A value with its references expanded; None if one has no value."""
    if value is None:
        return None
    try:
        return expand(str(value), environ)
    except Unresolved:
        return None


def _usable(key: str, value: str | None) -> bool:
    return bool(value) and BY_KEY[key].check(value) is None


def _ask(environ: Mapping[str, str], workspace: tuple[str | None, ...], isolation: str) -> dict[str, Any]:
    """The output of `python -m tui.rehearsal env --json`. Raises CannotRehearse."""
    arguments = ["env", "--json"]
    if workspace:
        arguments += ["--workspace", *(str(part) for part in workspace), "--isolation", isolation]
    try:
        answer = json.loads(_run(arguments, environ))
        return {name: answer[name] for name in ("set", "unset", "workspaces", "scenarios", "pace")}
    except (ValueError, KeyError, TypeError):
        raise CannotRehearse("The rehearsal's response is not valid; is another version of it running?") from None


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Run a command of the rehearsal and return its output. Raises CannotRehearse."""
    try:
        done = subprocess.run(
            child_process.command("tui.rehearsal", *arguments),
            env=child_process.machine_only(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotRehearse(
            f"The rehearsal did not answer within {START_SECONDS} seconds. Stop it with `aml-deploy rehearsal --stop` "
            "and try again."
        ) from None
    except OSError as error:
        raise CannotRehearse(f"The rehearsal cannot be started: {error.strerror or error}.") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        why = CannotRehearse(said[-1].strip() if said else "The rehearsal cannot be started, and gives no reason.")
        why.exit_code = 2 if done.returncode == 2 else 1
        raise why
    return done.stdout


def choose(scenarios: Sequence[str], engine: str | None, environ: Mapping[str, str]) -> None:
    """Activate exactly these scenarios of the rehearsal, if any, and this container engine. Raises CannotRehearse."""
    if scenarios:
        _run(["scenario", "--", *scenarios], environ)
    if engine is not None:
        _run(["env", "--json", "--container-engine", engine], environ)


def run_command(arguments: list[str]) -> int:
    """Replace this process with `tui.rehearsal ARGUMENTS`; returns only on an error."""
    sys.stdout.flush()
    os.execve(
        sys.executable, child_process.command("tui.rehearsal", *arguments), child_process.machine_only(os.environ)
    )
