"""The endpoint's own identity: whether it exists, may be assigned, and has its roles on storage and registry."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Callable

import pytest
from plan_files import MakePlan, answering
from test_cloud_checks import a_workspace, an_endpoint, told

from tui.checks.finding import Finding
from tui.checks.identity import endpoint_identity
from tui.cloud.auth.permissions import Permission
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints.endpoint_identity import MISSING, UserIdentity
from tui.cloud.errors import CloudError
from tui.common.deadlines import Question
from tui.plan import model as m

RESOURCE = "/subscriptions/sub/resourceGroups/group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/scorer"
STORAGE = "/subscriptions/sub/resourceGroups/group/providers/Microsoft.Storage/storageAccounts/store"
REGISTRY = "/subscriptions/sub/resourceGroups/group/providers/Microsoft.ContainerRegistry/registries/images"
WORKSPACE = a_workspace(storage_account=STORAGE, container_registry=REGISTRY)
WHO = SignedIn("trainer", "user", "tenant", "client", None, "default", "AzureCli", "11111111-aaaa")
THERE = UserIdentity(RESOURCE, "22222222-bbbb")

ASSIGN = [Permission(("Microsoft.ManagedIdentity/userAssignedIdentities/*",))]
READ_BLOBS = [Permission(data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",))]
PULL = [Permission(("Microsoft.ContainerRegistry/registries/pull/read",))]
CONTENT = [Permission(data_actions=("Microsoft.ContainerRegistry/registries/repositories/content/read",))]
NONE: list[Permission] = []

OK = {"endpoint-identity": "ok"}


def with_identity(plan: m.Plan, *names: str) -> m.Plan:
    identity = m.Identity("user_assigned", names)
    return dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, identity=identity))


def found(
    make_plan: MakePlan, *, exists: bool = False, who: SignedIn | None = WHO, workspace: Any = WORKSPACE, **answers: Any
) -> list[Finding]:
    """The findings with everything in order, except for what the answers change; None omits a query."""
    known = {"identity": THERE, "assign": ASSIGN, "storage": READ_BLOBS, "registry": PULL, **answers}
    questions = {name: answering(value) for name, value in known.items() if value is not None}
    endpoint = an_endpoint() if exists else None
    return endpoint_identity.findings(with_identity(make_plan(), RESOURCE), workspace, questions, who, endpoint)


@pytest.mark.parametrize(
    ("exists", "answers", "expected"),
    [
        (False, {}, OK),
        (True, {}, OK),
        (False, {"assign": NONE}, {"endpoint-identity-assign": "blocker"}),
        (True, {"assign": NONE}, OK),  # it is assigned already
        (False, {"storage": NONE}, {"endpoint-identity-storage": "blocker"}),
        (True, {"storage": NONE}, {"endpoint-identity-storage": "warning"}),  # it may get access in another way
        (False, {"storage": [Permission(("*",))]}, {"endpoint-identity-storage": "blocker"}),  # not a data action
        (False, {"registry": NONE}, {"endpoint-identity-registry": "blocker"}),
        (True, {"registry": NONE}, {"endpoint-identity-registry": "warning"}),
        (False, {"registry": CONTENT}, OK),  # a registry with roles per repository
        (False, {"registry": [Permission(data_actions=PULL[0].actions)]}, {"endpoint-identity-registry": "blocker"}),
        (False, {"registry": [Permission(CONTENT[0].data_actions)]}, {"endpoint-identity-registry": "blocker"}),
        (False, {"storage": None}, {"endpoint-identity-storage": "unknown"}),
        (False, {"registry": None}, {"endpoint-identity-registry": "unknown"}),
        (
            False,
            {"assign": NONE, "storage": NONE, "registry": NONE},
            {f"endpoint-identity-{what}": "blocker" for what in ("assign", "storage", "registry")},
        ),
    ],
)
def test_what_an_identity_lacks(
    make_plan: MakePlan, exists: bool, answers: dict[str, Any], expected: dict[str, str]
) -> None:
    assert told(found(make_plan, exists=exists, **answers)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("identity", "endpoint-identity"),
        ("assign", "endpoint-identity-assign"),
        ("storage", "endpoint-identity-storage"),
        ("registry", "endpoint-identity-registry"),
    ],
)
def test_what_may_not_be_read_is_unknown_and_blocks_nothing(make_plan: MakePlan, query: str, expected: str) -> None:
    refusal = CloudError("Refused", "No role", "Ask.", code="AuthorizationFailed", status=403)
    assert told(found(make_plan, **{query: refusal})) == {expected: "unknown"}


@pytest.mark.parametrize(
    ("code", "severity"),
    [(MISSING, "blocker"), ("AuthorizationFailed", "unknown"), ("Throttled", "unknown"), (None, "unknown")],
)
def test_only_an_identity_that_does_not_exist_blocks(make_plan: MakePlan, code: str | None, severity: str) -> None:
    (finding,) = found(make_plan, identity=CloudError("No", "It", "Do.", code=code, status=404))
    assert (finding.id, finding.severity) == ("endpoint-identity", severity)
    create = ("az identity create --name scorer --resource-group group --subscription sub",)
    assert finding.commands == (create if severity == "blocker" else ())


def test_a_workspace_without_a_known_resource_gives_no_role(make_plan: MakePlan) -> None:
    nowhere = a_workspace(storage_account=None, container_registry=None)
    expected = {"endpoint-identity-storage": "unknown", "endpoint-identity-registry": "unknown"}
    assert told(found(make_plan, workspace=nowhere)) == expected
    storage, registry = found(make_plan, workspace=nowhere)
    assert "storage account" in storage.message and "registry" in registry.message


def test_each_request_has_role_scope_and_principal(make_plan: MakePlan) -> None:
    assign, storage, registry = found(make_plan, assign=NONE, storage=NONE, registry=NONE)
    assert "trainer cannot assign scorer" in assign.message
    for finding, role, scope, principal in (
        (assign, "Managed Identity Operator", RESOURCE, WHO.object_id),
        (storage, "Storage Blob Data Reader", STORAGE, THERE.object_id),
        (registry, "AcrPull", REGISTRY, THERE.object_id),
    ):
        (command,) = finding.commands
        assert (
            f"--role {role} --scope {scope}" in command.replace('"', "")
            and f"--assignee-object-id {principal} " in command
        )
        assert command in finding.remedy
    assert "read blobs of store" in storage.message and "pull images from images" in registry.message
    assert "--assignee-principal-type ServicePrincipal" in storage.commands[0]


def test_an_unknown_principal_is_left_open(make_plan: MakePlan) -> None:
    nobody = UserIdentity(RESOURCE, "")
    assign, storage = found(make_plan, who=None, identity=nobody, assign=NONE, storage=NONE)
    assert "OBJECT_ID" in assign.commands[0] and "OBJECT_ID" in storage.commands[0]
    assert "trainer" not in assign.message


def test_one_line_says_what_is_in_order(make_plan: MakePlan) -> None:
    (fresh,) = found(make_plan)
    assert (
        "scorer" in fresh.message and "assigned by you" in fresh.message and "pull images from images" in fresh.message
    )
    (there,) = found(make_plan, exists=True)
    assert "assigned by you" not in there.message and "read blobs of store" in there.message


@pytest.mark.parametrize(
    ("environment", "pulls"),
    [
        (m.Environment(conda_file=Path("conda.yml"), image="image:1"), True),
        (m.Environment(registered="azureml:env:1"), True),
        (m.Environment(build=m.BuildContext(Path("context"))), True),
        (m.Environment(image="elsewhere.example/image:1"), False),  # pulled without a build
        (m.Environment(), False),
    ],
)
def test_only_an_image_of_the_workspaces_registry_needs_its_role(
    make_plan: MakePlan, environment: m.Environment, pulls: bool
) -> None:
    plan = with_identity(make_plan(), RESOURCE)
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))
    questions = {"identity": THERE, "assign": ASSIGN, "storage": READ_BLOBS, "registry": NONE}
    asked = {name: answering(value) for name, value in questions.items()}
    said = told(endpoint_identity.findings(plan, WORKSPACE, asked, WHO, None))
    assert said == ({"endpoint-identity-registry": "blocker"} if pulls else OK)


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ((RESOURCE,), RESOURCE),
        (("${IDENTITY}",), ""),
        ((), ""),
        ((RESOURCE, "other"), RESOURCE),
        (("other", RESOURCE), "other"),
    ],
)
def test_the_identity_of_a_plan(make_plan: MakePlan, names: tuple[str, ...], named: str) -> None:
    assert endpoint_identity.named(with_identity(make_plan(), *names)) == named


@pytest.mark.parametrize(
    ("workspace", "names"),
    [
        (WORKSPACE, {"identity", "assign", "storage", "registry"}),
        (a_workspace(storage_account=STORAGE), {"identity", "assign", "storage"}),
        (a_workspace(container_registry=REGISTRY), {"identity", "assign", "registry"}),
        (a_workspace(), {"identity", "assign"}),
    ],
)
def test_what_is_asked(make_plan: MakePlan, workspace: Any, names: set[str]) -> None:
    started: list[Callable[[], Any]] = []

    def start(query: Callable[[], Any]) -> Question[Any]:
        started.append(query)
        return answering(None)

    cloud: Any = None  # no query is sent
    assert set(endpoint_identity.asked(with_identity(make_plan(), RESOURCE), cloud, workspace, start)) == names
    assert len(started) == len(names)
    assert endpoint_identity.asked(make_plan(), cloud, workspace, start) == {}
    assert endpoint_identity.findings(make_plan(), workspace, {}, WHO, None) == []
