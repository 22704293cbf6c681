"""Tests whether the plan's references can be resolved; answers never contain values."""

from __future__ import annotations

from typing import Any

from tui.cloud.auth import secrets
from tui.cloud.errors import CloudError
from tui.helper import sessions


def references(plan: dict[str, Any]) -> list[secrets.Tested]:
    """Every `${…}` of the plan with its keys, and whether it can be resolved: state and detail."""
    return secrets.test(plan.get("document") or {}, sessions.plan_of(plan).credential)


def unread(plan: dict[str, Any], error: CloudError) -> list[dict[str, Any]]:
    """The findings for secrets of the plan that cannot be read, without which nothing else can be checked.

    Raises the error if it has another cause.
    """
    from tui.checks.finding import BLOCKER, Finding

    if error.code != secrets.UNREAD:
        raise error
    wrong = [one for one in references(plan) if one.state != "ok" and not one.reference.startswith("${env:")]
    found = [
        Finding("secret", BLOCKER, one.keys[0], f"{one.reference} cannot be used.", one.detail).as_dict()
        for one in wrong
    ]
    return found or [Finding("secret", BLOCKER, "credential.method", str(error), error.remedy).as_dict()]
