"""A user-assigned identity of the endpoint: it exists, can be assigned, and has its roles."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_workspace, an_endpoint, told

from tui.checks.identity import endpoint_identity
from tui.cloud.auth.permissions import Permission
from tui.cloud.endpoints.endpoint_identity import MISSING, UserIdentity
from tui.cloud.errors import CloudError
from tui.common.deadlines import Question
from tui.plan import model as m
from tui.plan.endpoint_identity import Identity

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/caller"
STORAGE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/store"
REGISTRY = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/cr"
ASSIGN = Permission(("Microsoft.ManagedIdentity/*",))
BLOBS = Permission(data_actions=("Microsoft.Storage/*",))
PULL = Permission(("Microsoft.ContainerRegistry/registries/pull/read",))
CONTENT = Permission(data_actions=("Microsoft.ContainerRegistry/registries/repositories/content/read",))
NONE = Permission()
WORKSPACE = a_workspace(storage_account=STORAGE, container_registry=REGISTRY)


def with_identity(plan: m.Plan, *ids: str) -> m.Plan:
    given = Identity("user_assigned", ids)
    return dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, identity=given))


def answers(assign: Permission = ASSIGN, storage: Permission = BLOBS, registry: Permission = PULL) -> dict[str, Any]:
    return {
        "identity": Question(lambda: UserIdentity(ID, "1111")),
        "assign": Question(lambda: [assign]),
        "storage": Question(lambda: [storage]),
        "registry": Question(lambda: [registry]),
    }


FINE = {"endpoint-identity": "ok"}


@pytest.mark.parametrize(
    ("asked", "exists", "expected"),
    [
        (answers(), False, FINE),
        (answers(registry=CONTENT), False, FINE),  # the role for single repositories is enough
        (answers(assign=NONE), False, {"endpoint-identity-assign": "blocker"}),
        (answers(assign=NONE), True, FINE),  # it is assigned already
        (answers(storage=NONE), False, {"endpoint-identity-storage": "blocker"}),
        (answers(storage=NONE), True, {"endpoint-identity-storage": "warning"}),
        (answers(registry=NONE), False, {"endpoint-identity-registry": "blocker"}),
        (answers(registry=Permission(data_actions=PULL.actions)), False, {"endpoint-identity-registry": "blocker"}),
        (answers(storage=Permission(("Microsoft.Storage/*",))), False, {"endpoint-identity-storage": "blocker"}),
    ],
)
def test_the_identitys_roles(
    make_plan: MakePlan, asked: dict[str, Any], exists: bool, expected: dict[str, str]
) -> None:
    plan = with_identity(make_plan(), ID)
    there = an_endpoint() if exists else None
    assert told(endpoint_identity.findings(plan, WORKSPACE, asked, None, there)) == expected


def test_a_role_at_an_unknown_place_is_unknown(make_plan: MakePlan) -> None:
    plan = with_identity(make_plan(), ID)
    asked = answers()
    del asked["storage"]
    unknown = {"endpoint-identity-storage": "unknown"}
    assert told(endpoint_identity.findings(plan, WORKSPACE, asked, None, None)) == unknown
    no_account = dataclasses.replace(WORKSPACE, storage_account=None)
    assert told(endpoint_identity.findings(plan, no_account, answers(), None, None)) == unknown


def test_an_image_without_a_build_needs_no_role_on_the_registry(make_plan: MakePlan) -> None:
    plan = with_identity(make_plan(), ID)
    pulled = dataclasses.replace(plan.deployment, environment=m.Environment(name="env", image="image:1"))
    plan = dataclasses.replace(plan, deployment=pulled)
    assert told(endpoint_identity.findings(plan, WORKSPACE, answers(registry=NONE), None, None)) == FINE


@pytest.mark.parametrize(("code", "severity"), [(MISSING, "blocker"), ("Throttled", "unknown")])
def test_an_identity_that_cannot_be_read(make_plan: MakePlan, code: str, severity: str) -> None:
    def fail() -> UserIdentity:
        raise CloudError("title", "cause", "remedy", code=code, status=404)

    asked = {**answers(), "identity": Question(fail)}
    (found,) = endpoint_identity.findings(with_identity(make_plan(), ID), WORKSPACE, asked, None, None)
    assert (found.id, found.severity) == ("endpoint-identity", severity)
    if severity == "blocker":
        assert found.commands[0].endswith("--name caller --resource-group rg --subscription s")


def test_the_plans_identity(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert endpoint_identity.named(plan) == ""
    assert endpoint_identity.named(with_identity(plan)) == ""
    assert endpoint_identity.named(with_identity(plan, ID, "second")) == ID
    assert endpoint_identity.named(with_identity(plan, "${IDENTITY}")) == ""
    assert endpoint_identity.findings(plan, WORKSPACE, {}, None, None) == []
