"""`--rehearse`: the plan and the environment with which engine and helper work against the local stand-in for Azure.

The stand-in is a process of its own (`python -m tui.rehearsal`). Everything below learns of it through environment
variables that any client of Azure reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

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
    """The rehearsal does not answer; the text says why and what to do."""


def prepare(document: Document, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that points every client of Azure at the rehearsal, which is started when none runs.

    Workspace variables that the user has set stay; the others name a workspace of the rehearsal: the one with legacy
    isolation for a plan that sets the egress flag, else the one with a managed virtual network. A workspace that the
    plan or the user names is made known to the rehearsal with the isolation that fits the flag.

    Takes the time of a process, up to some seconds for the first. Raises CannotRehearse.
    """
    isolation = "legacy" if document.value(EGRESS) else "managed"
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
        # What was missing has a value now. Any mixture of the user's names and the rehearsal's is a workspace too.
        named = {key: _resolved(document.value(key), merged) for key in WORKSPACE}
        known = [tuple(place.values()) for place in answer["workspaces"].values()]
        if tuple(named.values()) not in known and all(_usable(key, value) for key, value in named.items()):
            _ask(environ, tuple(named.values()), isolation)
    if _resolved(document.get("credential.client_id"), environ) == merged.get("REHEARSAL_CLIENT_ID"):
        merged.update({name: environ[name] for name in _PRINCIPAL if environ.get(name)})
    return merged


def with_own_identity(document: Document, environ: Mapping[str, str]) -> Document:
    """The document as it is rehearsed: it signs in as the rehearsal's own identity.

    `environ` is what `prepare` returned, or the user's own before that. A service principal that is the rehearsal's
    practice one stays, so that signing in with a secret, right or wrong, can be practised.
    """
    if document.value("credential.method") == "service_principal" and _is_practice(document, environ):
        return document
    changed = document.copy()
    for key in ("tenant_id", "client_id", "client_secret"):
        changed.set(f"credential.{key}", None, OWN_IDENTITY)
    changed.set("credential.method", "default", OWN_IDENTITY)
    return changed


def _is_practice(document: Document, environ: Mapping[str, str]) -> bool:
    """Whether the client id is that of the rehearsal's practice service principal, or refers to it."""
    client = document.get("credential.client_id")
    practice = environ.get("REHEARSAL_CLIENT_ID")
    return names(client) == ["REHEARSAL_CLIENT_ID"] or (practice is not None and _resolved(client, environ) == practice)


def judge(document: Document, environ: Mapping[str, str]) -> None:
    """Raise PlanInvalid for problems that the rehearsal's variables cannot cure."""
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
    """Whether the value is a reference without a value, which the rehearsal's variables or its identity may replace."""
    value = document.value(key) if key in BY_KEY else None
    return value is None or (has_reference(value) and _resolved(value, environ) is None)


def _resolved(value: Any, environ: Mapping[str, str]) -> str | None:
    """A value with its references replaced; None where one has no value."""
    if value is None:
        return None
    try:
        return expand(str(value), environ)
    except Unresolved:
        return None


def _usable(key: str, value: str | None) -> bool:
    return bool(value) and BY_KEY[key].check(value) is None


def _ask(environ: Mapping[str, str], workspace: tuple[str | None, ...], isolation: str) -> dict[str, Any]:
    """The answer of `python -m tui.rehearsal env --json`. Raises CannotRehearse."""
    arguments = ["env", "--json"]
    if workspace:
        arguments += ["--workspace", *(str(part) for part in workspace), "--isolation", isolation]
    try:
        answer = json.loads(_run(arguments, environ))
        return {name: answer[name] for name in ("set", "unset", "workspaces", "scenarios", "pace")}
    except (ValueError, KeyError, TypeError):
        raise CannotRehearse("The rehearsal's answer is not understood; is another version of it running?") from None


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """What a command of the rehearsal prints. Raises CannotRehearse."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tui.rehearsal", *arguments],
            env=dict(environ),
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
        raise CannotRehearse(said[-1].strip() if said else "The rehearsal cannot be started and says nothing.")
    return done.stdout


def choose(scenarios: Sequence[str], environ: Mapping[str, str]) -> None:
    """Make exactly these failures happen in the rehearsal from now on. Raises CannotRehearse."""
    _run(["scenario", "--", *scenarios], environ)


def run_command(arguments: list[str]) -> int:
    """Become `python -m tui.rehearsal ARGUMENTS`; does not return, except by an error."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "tui.rehearsal", *arguments])
