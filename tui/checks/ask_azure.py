"""Get the answer to a query of Azure, or a finding that says why there is none."""

from __future__ import annotations

from typing import TypeVar

from tui.checks.finding import BLOCKER, UNKNOWN, Finding
from tui.cloud.auth.roles import refused as role_for
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.common.deadlines import NoAnswer, Question

T = TypeVar("T")

# Statuses with which the service rejects a valid request: nothing works until the cause is fixed.
_REFUSED = (400, 401, 403)


def ask(
    question: Question[T], id: str, field: str, what: str, *, blocks: bool = True, needed: bool = False
) -> T | Finding:
    """Return the answer, or a finding: a blocker if the service rejects the query, unknown if it does not answer.

    `what` completes "… is unknown". With `needed`, nothing works without an answer, so a missing or unreachable
    resource blocks too; otherwise a 404 means that this cloud does not support the query. Without `blocks`, nothing
    blocks.
    """
    try:
        return question.answer()
    except NoAnswer as late:
        return Finding(id, UNKNOWN, field, f"{what} is unknown. {late}", "Check this machine's connection to Azure.")
    except Exception as error:
        failure = explain(error)
        remedy, commands = in_words(failure)
        if blocks and _refused(failure, needed):
            return Finding(id, BLOCKER, field, str(failure), remedy, commands=commands)
        return Finding(id, UNKNOWN, field, f"{what} is unknown. {failure}", remedy, commands=commands)


def in_words(failure: CloudError) -> tuple[str, tuple[str, ...]]:
    """The remedy for a failure, and the command that assigns the role if one is missing."""
    role = role_for(f"{failure.cause} {failure.raw}") if failure.status == 403 else None
    return (f"{role.sentence} {role.command}", (role.command,)) if role else (failure.remedy, ())


def _refused(error: CloudError, needed: bool) -> bool:
    """Whether retrying is pointless; throttling, failover and timeouts are temporary."""
    if error.status in _REFUSED:
        return True
    if not needed:
        return False
    if error.status is None and error.code == "Unreachable":
        return not _timed_out(error)
    # Without any credential, signing in fails without a status.
    return error.status == 404 or (error.status is None and error.code in ("NoCredential", "SignInFailed"))


def _timed_out(error: CloudError) -> bool:
    text = f"{error.title} {error.cause} {error.raw}".lower()
    return "timed out" in text or "timeout" in text or "did not answer" in text
