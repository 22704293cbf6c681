"""Does the sign-in work."""

from __future__ import annotations

from tui.checks.answers import ask
from tui.checks.finding import OK, Finding
from tui.checks.question import Question
from tui.cloud.signin import SignedIn

FIELD = "credential.method"


def signed_in(question: Question[SignedIn]) -> Finding:
    """Whether Microsoft Entra gave a token, and to whom."""
    answer = ask(question, "sign-in", FIELD, "Whether the sign-in works", needed=True)
    if isinstance(answer, Finding):
        return answer
    tenant = f" of tenant {answer.tenant}" if answer.tenant else ""
    message = f"Signed in as {answer.principal} ({answer.kind}){tenant}."
    return Finding("sign-in", OK, FIELD, message, looked_at=answer.source)
