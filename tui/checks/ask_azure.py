"""From a question to the cloud to a value, or to the finding that says why there is none."""

from __future__ import annotations

from typing import TypeVar

from tui.checks.finding import BLOCKER, UNKNOWN, Finding
from tui.cloud.auth.roles import refused as role_for
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.common.deadlines import NoAnswer, Question

T = TypeVar("T")

# What the service says when it understood the question and refuses: nothing will work before that is changed.
_REFUSED = (400, 401, 403)


def ask(
    question: Question[T], id: str, field: str, what: str, *, blocks: bool = True, needed: bool = False
) -> T | Finding:
    """The answer, or a finding: a blocker where the service refuses, unknown where nobody answers.

    `what` completes "… is not known". With `needed`, nothing works without an answer, so what is not there or cannot
    be reached blocks too; otherwise a 404 means that this cloud does not know the question. Without `blocks`, nothing
    does.
    """
    try:
        return question.answer()
    except NoAnswer as late:
        return Finding(id, UNKNOWN, field, f"{what} is not known. {late}", "Check this machine's way to Azure.")
    except Exception as error:
        failure = explain(error)
        remedy, commands = in_words(failure)
        if blocks and _refused(failure, needed):
            return Finding(id, BLOCKER, field, str(failure), remedy, commands=commands)
        return Finding(id, UNKNOWN, field, f"{what} is not known. {failure}", remedy, commands=commands)


def in_words(failure: CloudError) -> tuple[str, tuple[str, ...]]:
    """What to do about a failure, and the command where it is a role that is missing."""
    role = role_for(f"{failure.cause} {failure.raw}") if failure.status == 403 else None
    return (f"{role.sentence} {role.command}", (role.command,)) if role else (failure.remedy, ())


def _refused(error: CloudError, needed: bool) -> bool:
    """Whether trying again would change nothing: throttling, fail-over and time-outs pass."""
    if error.status in _REFUSED:
        return True
    if not needed:
        return False
    if error.status is None and error.code == "Unreachable":
        return not _timed_out(error)
    # Signing in fails without a status where no identity was found at all.
    return error.status == 404 or (error.status is None and error.code in ("NoCredential", "SignInFailed"))


def _timed_out(error: CloudError) -> bool:
    text = f"{error.title} {error.cause} {error.raw}".lower()
    return "timed out" in text or "timeout" in text or "did not answer" in text
