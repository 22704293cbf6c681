"""Turns an error into the card that screens show."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.cloud.errors import CloudError
    from tui.remedies.matcher import Card

# The key of the plan to edit to fix a failure: by the service's code, else by the task that failed.
FIELD_OF_CODE = {
    "ImageBuildFailure": "deployment.environment.conda_file",
    "OutOfQuota": "deployment.instance_type",
    "ResourceNotReady": "deployment.code_configuration.scoring_script",
    "ModelVersionExists": "deployment.model.version",
    "golden-requests": "test.requests",
}
FIELD_OF_TASK = {
    "sign-in": "credential.method",
    "workspace": "workspace.name",
    "endpoint": "endpoint.name",
    "model": "deployment.model.path",
    "code": "deployment.code_configuration.code",
    "environment": "deployment.environment.conda_file",
    "deployment": "deployment.instance_type",
    "autoscale": "deployment.autoscale.rules",
    "traffic": "traffic",
    "rollout": "rollout.steps",
    "test": "test.request",
}
MOST_EVIDENCE = 40
MOST_COMMANDS = 2
OUR_CODES = ("Unreachable", "NoCredential", "SignInFailed", "TimeLimit", "cannot-change", "golden-requests")
"""aml-deploy's own codes, which add nothing to a title."""
_GUIDE = re.compile(r"\s*(?:Please )?see troubleshooting guide, available here:\s*\S+", re.IGNORECASE)
# Lines of the service's JSON that hold only brackets, and add nothing to the lines that matched.
_FRAME = re.compile(r'[\s{}\[\],]*(?:"\w+": [{\[][\s{}\[\],]*)?')


def card(
    error: Exception, log: str, task: str = "", lines: Sequence[str] = (), facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The card of an exception: what happened, why, what to do, and the service's own message.

    `log` is the path of the engine's log, named if no better remedy is known; `task` is the failed task, `lines` the
    last lines of its logs, `facts` the known facts about plan and workspace. If the catalogue of remedies recognises
    the failure, `id` is its entry and the texts are the catalogue's, merged with the service's; else `id` is the
    service's code. `code` is always the service's code, `field` the key of the plan to edit for a fix.
    """
    from tui.cloud.errors import CloudError

    if not isinstance(error, CloudError):
        return {
            "id": "internal",
            "certainty": "sure",
            "code": "",
            "field": "",
            "title": "Unexpected error in aml-deploy",
            "cause": f"{type(error).__name__}: {error}",
            "remedy": f"The traceback is in the log, {log}. Report the error with that file.",
            "docs": "",
            "commands": [],
            "evidence": [],
            "request_ids": [],
        }
    evidence = [line for line in error.raw.splitlines() if line.strip()]
    own = {
        "id": error.code or "error",
        "certainty": "sure",
        "code": error.code or "",
        "field": FIELD_OF_CODE.get(error.code or "") or FIELD_OF_TASK.get(task.partition(":")[0], ""),
        "title": error.title,
        "cause": error.cause,
        "remedy": error.remedy or f"The service's own message is below; the complete log is {log}.",
        "docs": "",
        "commands": [],
        "evidence": evidence[-MOST_EVIDENCE:],
        "request_ids": list(error.request_ids),
    }
    known = _recognised(error, lines, facts or {})
    return _merged(own, known) if known else own


def _recognised(error: CloudError, lines: Sequence[str], facts: Mapping[str, Any]) -> Card | None:
    """The best match in the catalogue, or None; a fault in the catalogue must not hide the error itself."""
    try:
        from tui.remedies.matcher import match

        found = match("\n".join([*lines, error.raw, error.title, error.cause]), code=error.code, facts=facts)
    except Exception as fault:
        print(f"The catalogue of remedies could not be used: {fault}", file=sys.stderr, flush=True)
        return None
    return found[0] if found else None


def _merged(own: dict[str, Any], known: Card) -> dict[str, Any]:
    """The catalogue's texts, completed with details from the service."""
    code = str(own["code"])
    shown = code and code not in OUR_CODES and not code.startswith("scoring-") and code not in known.title
    first = _GUIDE.sub("", str(own["cause"]).strip().split("\n")[0]).strip()
    told = first and first.rstrip(".") not in known.cause
    commands = list(known.commands[:MOST_COMMANDS])
    # A refusal names the missing role and scope, which the catalogue cannot know.
    asks = "az role assignment" in own["remedy"]
    if asks:
        commands = [own["remedy"].splitlines()[-1].strip()]
    raw = [line for line in own["evidence"] if not _FRAME.fullmatch(line)]
    evidence = list(dict.fromkeys([*known.evidence, *raw]))
    return {
        "id": known.id,
        "certainty": known.certainty,
        "code": code,
        "field": known.field or own["field"],
        "title": f"{known.title} ({code})" if shown else known.title,
        "cause": f"{known.cause}\nThe service says: {first}" if told else known.cause,
        "remedy": own["remedy"] if asks else "\n".join([known.remedy, *commands]),
        "docs": known.docs,
        "commands": commands,
        "evidence": evidence[:MOST_EVIDENCE],
        "request_ids": list(dict.fromkeys([*own["request_ids"], *known.request_ids])),
    }
