"""Check the endpoint's user-assigned identity: whether it exists, can be assigned, and has the roles it needs.

Microsoft, concept-endpoints-online-auth and how-to-access-resources-from-endpoints-managed-identities: a user-assigned
identity needs Storage Blob Data Reader on the workspace's storage and AcrPull on its registry before the endpoint is
created; Azure assigns these roles only to a system-assigned identity. Assigning an identity requires Managed Identity
Operator on it.
"""

from __future__ import annotations

from typing import Any, Callable

from tui.checks.ask_azure import ask
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.identity.required_permissions import role_for
from tui.cloud.auth import permissions, roles
from tui.cloud.auth.permissions import Permission
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints import endpoint_identity
from tui.cloud.endpoints.endpoint_identity import UserIdentity
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.session import Cloud
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az
from tui.common.deadlines import Question
from tui.plan.model import Plan

FIELD = "endpoint.identity.user_assigned_identities"
_DOCS = "https://learn.microsoft.com/azure/machine-learning/concept-endpoints-online-auth"
_OPERATOR_DOCS = "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/identity"
_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
_PULL = "Microsoft.ContainerRegistry/registries/pull/read"
_CONTENT = (
    "Microsoft.ContainerRegistry/registries/repositories/content/read"  # for a registry with repository-level roles
)
Start = Callable[[Callable[[], Any]], Question[Any]]


def named(plan: Plan) -> str:
    """The resource id of the plan's identity; empty if it has none, or if the value is still a reference."""
    identity = plan.endpoint.identity
    names = identity.user_assigned_identities if identity is not None else ()
    return names[0] if names and "${" not in names[0] else ""


def asked(plan: Plan, cloud: Cloud, info: WorkspaceInfo, start: Start) -> dict[str, Question[Any]]:
    """The queries about the identity; `start` begins each."""
    resource = named(plan)
    if not resource:
        return {}
    found = {
        "identity": start(lambda: endpoint_identity.read(cloud, resource)),
        "assign": start(lambda: permissions.granted(cloud, resource)),
    }
    for name, scope in (("storage", info.storage_account), ("registry", info.container_registry)):
        if scope:
            found[name] = start(lambda scope=scope: _held(cloud, resource, scope))  # type: ignore[misc]
    return found


def _held(cloud: Cloud, resource: str, scope: str) -> list[Permission]:
    return endpoint_identity.held(cloud, scope, endpoint_identity.read(cloud, resource).object_id)


def findings(
    plan: Plan,
    info: WorkspaceInfo,
    questions: dict[str, Question[Any]],
    who: SignedIn | None,
    endpoint: EndpointInfo | None,
) -> list[Finding]:
    """Problems with the identity, or one OK finding. If the endpoint exists, its identity is known to be valid."""
    if not questions:
        return []
    resource = named(plan)
    name = resource.rpartition("/")[2]
    identity = ask(questions["identity"], "endpoint-identity", FIELD, f"Whether {name} exists", blocks=False)
    if isinstance(identity, Finding):
        return [_missing(identity, resource, questions["identity"])]
    found = [] if endpoint is not None else _assignable(questions["assign"], identity, who)
    severity = WARNING if endpoint is not None else BLOCKER
    found += _role(questions.get("storage"), info.storage_account, identity, [(_BLOBS, True)], severity)
    environment = plan.deployment.environment
    # An image that is pulled from another registry without a build needs no role on the workspace's registry.
    if environment.conda_file is not None or environment.build is not None or environment.registered:
        pulls = [(_PULL, False), (_CONTENT, True)]
        found += _role(questions.get("registry"), info.container_registry, identity, pulls, severity)
    if all(finding.severity == OK for finding in found):
        message = f"The endpoint's identity {name} exists" + "".join(f", {finding.message}" for finding in found) + "."
        return [Finding("endpoint-identity", OK, FIELD, message, docs=_DOCS, looked_at=resource)]
    return [finding for finding in found if finding.severity != OK]


def _missing(unread: Finding, resource: str, question: Question[Any]) -> Finding:
    """A blocker if Resource Manager reports that the identity does not exist, else what is known."""
    try:
        question.answer()
    except Exception as error:
        if getattr(error, "code", None) != endpoint_identity.MISSING:
            return unread
    parts = resource.strip("/").split("/")
    command = az("identity create", name=parts[-1], resource_group=parts[3], subscription=parts[1])
    return Finding(
        "endpoint-identity",
        BLOCKER,
        FIELD,
        f"There is no user-assigned identity {parts[-1]} in the resource group {parts[3]}, so Azure cannot create "
        "the endpoint.",
        f"Correct the resource id, or create the identity: {command}",
        _DOCS,
        resource,
        (command,),
    )


def _assignable(question: Question[list[Permission]], identity: UserIdentity, who: SignedIn | None) -> list[Finding]:
    """Check whether the signed-in identity can assign the identity to an endpoint."""
    name = identity.id.rpartition("/")[2]
    given = ask(question, "endpoint-identity-assign", FIELD, f"Whether you can assign {name}", blocks=False)
    if isinstance(given, Finding):
        return [given]
    if not permissions.missing(given, [_ASSIGN]):
        return [Finding("endpoint-identity-assign", OK, message="can be assigned by you")]
    asks = role_for(_ASSIGN, identity.id, who)
    message = f"{who.principal if who else 'The identity'} cannot assign {name} to an endpoint."
    remedy = f"{asks.sentence} {asks.command}"
    return [
        Finding(
            "endpoint-identity-assign", BLOCKER, FIELD, message, remedy, _OPERATOR_DOCS, identity.id, (asks.command,)
        )
    ]


def _role(
    question: Question[list[Permission]] | None,
    scope: str | None,
    identity: UserIdentity,
    ways: list[tuple[str, bool]],
    severity: str,
) -> list[Finding]:
    """Check whether the identity has one of the actions at a scope; each is given with whether it is a data action."""
    name, reads = identity.id.rpartition("/")[2], ways[0][0] == _BLOBS
    id = f"endpoint-identity-{'storage' if reads else 'registry'}"
    what = f"{'read blobs of' if reads else 'pull images from'} {(scope or '').rpartition('/')[2]}"
    if question is None or not scope:
        where = "storage account" if reads else "registry"
        return [Finding(id, UNKNOWN, FIELD, f"Whether {name} has its role on the workspace's {where} is unknown.")]
    given = ask(question, id, FIELD, f"Whether {name} can {what}", blocks=False)
    if isinstance(given, Finding):
        return [given]
    if any(not permissions.missing(given, [action], data=data) for action, data in ways):
        return [Finding(id, OK, message=f"can {what}")]
    asks = roles.request_for(ways[0][0], scope, identity.object_id or None, "service principal")
    message = (
        f"The endpoint's identity {name} cannot {what}: its deployments would fail with an authorization error "
        "after some minutes. Azure assigns this role to a system-assigned identity, but not to yours."
    )
    return [Finding(id, severity, FIELD, message, f"{asks.sentence} {asks.command}", _DOCS, scope, (asks.command,))]
