"""The sign-in: valid, expired by this machine's clock, in another tenant; and the actions a plan needs."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_workspace, an_endpoint

from tui.checks.identity import identity, required_permissions
from tui.cloud.auth.permissions import Permission
from tui.cloud.auth.sign_in import SignedIn
from tui.common.deadlines import Question

WHO = SignedIn("trainer", "user", "tenant-a", "client", None, "default", "AzureCli", "11111111-aaaa")
ML = "Microsoft.MachineLearningServices/workspaces"


def after(minutes: int) -> str:
    return f"{datetime.now(timezone.utc) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("expires", "severity", "told"),
    [(None, "ok", False), (60, "ok", True), (-60, "warning", True), ("tomorrow", "ok", False)],
)
def test_the_validity_of_a_token(expires: str | int | None, severity: str, told: bool) -> None:
    expires = after(expires) if isinstance(expires, int) else expires
    found = identity.signed_in(Question(lambda: dataclasses.replace(WHO, expires=expires)))
    assert found.severity == severity
    assert ("valid until" in found.message) is told


def test_tenant_and_source_are_told_if_they_are_known() -> None:
    full = identity.signed_in(Question(lambda: WHO)).message
    bare = identity.signed_in(Question(lambda: dataclasses.replace(WHO, tenant=None, source=""))).message
    assert "tenant-a" in full and "AzureCli" in full
    assert "tenant" not in bare and "through" not in bare


@pytest.mark.parametrize(
    ("signed_in", "workspace", "warned"),
    [
        ("tenant-a", "tenant-a", False),
        ("tenant-a", "TENANT-A", False),
        ("tenant-a", "tenant-b", True),
        ("tenant-a", None, False),
        (None, "tenant-b", False),
    ],
)
def test_the_tenant_of_the_workspace(signed_in: str | None, workspace: str | None, warned: bool) -> None:
    found = identity.tenants(Question(lambda: dataclasses.replace(WHO, tenant=signed_in)), workspace)
    assert [one.id for one in found] == (["tenant"] if warned else [])


def test_without_a_sign_in_the_tenant_is_not_compared() -> None:
    def fail() -> SignedIn:
        raise OSError

    assert identity.tenants(Question(fail), "tenant-b") == []


@pytest.mark.parametrize(("mode", "call"), [("key", "listKeys"), ("aml_token", "token"), ("aad_token", "score")])
def test_a_call_needs_the_action_of_the_endpoints_mode(make_plan: MakePlan, mode: str, call: str) -> None:
    plan = make_plan()
    wanted = dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, auth_mode=mode))
    assert required_permissions.actions(wanted, None)[-1] == f"{ML}/onlineEndpoints/{call}/action"
    # The mode of an existing endpoint counts.
    there = an_endpoint(auth_mode=mode)
    assert required_permissions.actions(plan, None, there)[-1] == f"{ML}/onlineEndpoints/{call}/action"


@pytest.mark.parametrize(("lacking", "listed", "more"), [(4, 4, ""), (5, 4, "and 1 more"), (6, 4, "and 2 more")])
def test_at_most_four_missing_permissions_are_listed(make_plan: MakePlan, lacking: int, listed: int, more: str) -> None:
    plan = make_plan()
    needed = required_permissions.actions(plan, None)
    given = [Permission(tuple(needed[lacking:]))]
    found = required_permissions.roles(plan, a_workspace(), given, WHO, None)
    assert found.severity == "blocker"
    assert sum(action.partition("/")[2] in found.message for action in needed[:lacking][:listed]) == listed
    assert (" more." in found.message) is bool(more) and more in found.message
