"""Signs in, and lists the sources of credentials."""

from __future__ import annotations

from typing import Any

from tui.cloud.auth import credentials
from tui.cloud.auth import sign_in as signing
from tui.helper import sessions
from tui.helper.questions.lists import without_workspace


def credential_sources(plan: dict[str, Any] | None = None) -> list[credentials.Source]:
    """The sources of the default chain on this machine, without signing in; `plan` is not used."""
    return credentials.credential_sources()


def sign_in(plan: dict[str, Any]) -> signing.SignedIn:
    """Sign in, again for each question, and return the identity."""
    alone = without_workspace(plan)  # the lists use the same connection
    sessions.forget(alone)
    return signing.sign_in(sessions.cloud_of(alone, workspace=False))
