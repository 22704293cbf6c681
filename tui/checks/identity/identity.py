"""Check that the sign-in works."""

from __future__ import annotations

from datetime import datetime, timezone

from tui.checks.ask_azure import ask
from tui.checks.finding import OK, WARNING, Finding
from tui.cloud.auth.sign_in import SignedIn
from tui.common.deadlines import Question

FIELD = "credential.method"


def signed_in(question: Question[SignedIn]) -> Finding:
    """Check that Microsoft Entra issues a token, and for which identity."""
    answer = ask(question, "sign-in", FIELD, "Whether the sign-in works", needed=True)
    if isinstance(answer, Finding):
        return answer
    tenant = f" of tenant {answer.tenant}" if answer.tenant else ""
    source = f" through {answer.source}" if answer.source else ""
    message = f"Signed in{source} as {answer.principal} ({answer.kind}){tenant}."
    left = _left(answer.expires)
    if left is not None:
        message += f" The token is valid until {answer.expires}."
    if left is not None and left < 0:
        remedy = "Set this machine's clock (timedatectl, ntp), then sign in again."
        text = f"{message} According to this machine's clock, that time has passed."
        return Finding("sign-in", WARNING, FIELD, text, remedy, looked_at=answer.source)
    return Finding("sign-in", OK, FIELD, message, looked_at=answer.source)


def tenants(question: Question[SignedIn], tenant: str | None) -> list[Finding]:
    """Check that the token is from the workspace's tenant; no finding if either is unknown."""
    try:
        answer = question.answer()
    except Exception:
        return []
    if not tenant or not answer.tenant or answer.tenant.lower() == tenant.lower():
        return []
    return [
        Finding(
            "tenant",
            WARNING,
            "credential.tenant_id",
            f"{answer.principal} signs in to the tenant {answer.tenant}, but the workspace belongs to {tenant}.",
            f"Set credential.tenant_id to {tenant}, or sign in there.",
            looked_at=answer.source,
        )
    ]


def _left(expires: str | None) -> float | None:
    """Seconds until a moment; None if it is unknown."""
    if not expires:
        return None
    try:
        moment = datetime.strptime(expires, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return (moment - datetime.now(timezone.utc)).total_seconds()
