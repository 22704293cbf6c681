"""Who is signed in, for how long, and to which tenant."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from tui.checks.identity import identity
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.errors import CloudError
from tui.common.deadlines import Question

WHO = SignedIn("trainer", "user", "home", "client", None, "default", "AzureCli", "11111111-aaaa")


def refused() -> SignedIn:
    raise CloudError("No credential", "None is set", "Sign in.", code="NoCredential")


def after(seconds: float) -> str:
    return f"{datetime.now(timezone.utc) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("expires", "severity", "said"),
    [
        (3600, "ok", True),
        (60, "ok", True),
        (-60, "warning", True),  # a fresh token cannot have expired: the clock is wrong
        (None, "ok", False),
        ("", "ok", False),
        ("tomorrow", "ok", False),
    ],
)
def test_the_validity_of_a_token(expires: str | int | None, severity: str, said: bool) -> None:
    expires = after(expires) if isinstance(expires, int) else expires
    finding = identity.signed_in(Question(lambda: dataclasses.replace(WHO, expires=expires), 30))
    assert (finding.id, finding.severity) == ("sign-in", severity)
    assert ("valid until" in finding.message) is said
    assert ("clock" in finding.remedy) is (severity == "warning")


def test_tenant_and_source_are_named_if_known() -> None:
    known = identity.signed_in(Question(lambda: WHO, 30)).message
    assert "through AzureCli" in known and "of tenant home" in known
    unknown = dataclasses.replace(WHO, tenant=None, source="")
    message = identity.signed_in(Question(lambda: unknown, 30)).message
    assert "through" not in message and "tenant" not in message


def test_nothing_works_without_a_sign_in() -> None:
    finding = identity.signed_in(Question(refused, 30))
    assert (finding.id, finding.severity) == ("sign-in", "blocker")


@pytest.mark.parametrize(
    ("signed_in", "workspace", "reported"),
    [
        ("home", "home", False),
        ("HOME", "home", False),
        ("home", "Home", False),
        ("home", "other", True),
        ("other", "home", True),
        (None, "home", False),
        ("home", None, False),
        ("home", "", False),
    ],
)
def test_a_tenant_that_is_not_the_workspaces(signed_in: str | None, workspace: str | None, reported: bool) -> None:
    found = identity.tenants(Question(lambda: dataclasses.replace(WHO, tenant=signed_in), 30), workspace)
    assert [(one.id, one.severity) for one in found] == ([("tenant", "warning")] if reported else [])


def test_without_a_sign_in_nothing_is_said_about_tenants() -> None:
    assert identity.tenants(Question(refused, 30), "home") == []
