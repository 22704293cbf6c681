"""Check what the plan needs against the identity's permissions: actions, data actions, resource providers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace

from tui.checks.ask_azure import ask
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.cloud.auth import permissions
from tui.cloud.auth.permissions import Permission
from tui.cloud.auth.roles import Request, request_for
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.http.hosts import Store
from tui.cloud.session import Cloud
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az
from tui.common.deadlines import Question
from tui.plan.model import Plan

FIELD = "credential.method"
ROLES = "https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles"
_STORAGE = "https://learn.microsoft.com/azure/storage/blobs/assign-azure-role-data-access"
_REGISTER = "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types"
_SCALING = "https://learn.microsoft.com/azure/machine-learning/how-to-autoscale-endpoints"
_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
_AUTOSCALE = [f"Microsoft.Insights/autoscaleSettings/{verb}" for verb in ("read", "write")]
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# The first one is required. Reports say that others can be missing too, without their names (MicrosoftLearning/
# mslearn-azure-ml issue 106); these two are a guess, so a missing one is only a warning.
PROVIDERS = ("Microsoft.MachineLearningServices", "Microsoft.PolicyInsights", "Microsoft.Cdn")
MONITOR = "Microsoft.Insights"  # required for autoscale rules


def actions(plan: Plan, store: Store | None, endpoint: EndpointInfo | None = None) -> list[str]:
    """The actions on the workspace that the plan needs, in order of use."""
    deployment = plan.deployment
    found = ["read", "datastores/read", "onlineEndpoints/read", "onlineEndpoints/deployments/read"]
    if deployment.model.path is not None or deployment.model.source:
        found += ["models/versions/read", "models/versions/write"]
        if store is not None and not store.identity:
            found.append("datastores/listSecrets/action")
    if deployment.code_configuration is not None:
        found += ["codes/versions/read", "codes/versions/startPendingUpload/action", "codes/versions/write"]
    environment = deployment.environment
    if environment.given and not environment.registered:
        found += ["environments/versions/read", "environments/versions/write"]
    if deployment.data_collector is not None:
        found += ["data/versions/read", "data/versions/write"]
    found += ["onlineEndpoints/write", "onlineEndpoints/deployments/write"]
    found.append("onlineEndpoints/deployments/getLogs/action")
    if plan.test.request or plan.test.requests:
        mode = endpoint.auth_mode if endpoint else plan.endpoint.auth_mode
        calls = {"key": "listKeys", "aml_token": "token", "aad_token": "score"}
        found.append(f"onlineEndpoints/{calls.get(mode, 'listKeys')}/action")
    return [f"{_WORKSPACES}/{action}" for action in found]


def roles(
    plan: Plan,
    info: WorkspaceInfo,
    given: list[Permission],
    who: SignedIn | None,
    store: Store | None,
    endpoint: EndpointInfo | None = None,
) -> Finding:
    """Check that the identity's roles on the workspace include everything that the plan needs there."""
    needed = actions(plan, store, endpoint)
    lacking = permissions.missing(given, needed)
    name = who.principal if who else "The identity"
    if not lacking:
        message = f"{name} has all {len(needed)} permissions that the plan needs on {info.name}."
        return Finding("roles", OK, FIELD, message, docs=ROLES, looked_at=info.id)
    # One role allows all of them.
    ask = role_for(lacking[0], info.id, who)
    listed = ", ".join(action.partition("/")[2] for action in lacking[:4])
    more = f" and {len(lacking) - 4} more" if len(lacking) > 4 else ""
    return Finding(
        "roles",
        # Reading logs is needed only if something fails; all other actions are required.
        WARNING if all("/getLogs/" in action for action in lacking) else BLOCKER,
        FIELD,
        f"{name} lacks permissions that the plan needs on {info.name}: {listed}{more}.",
        f"{ask.sentence} {ask.command}",
        ROLES,
        info.id,
        (ask.command,),
    )


def storage_role(store: Store, given: list[Permission], who: SignedIn | None) -> Finding:
    """Check that the identity has a data role to write blobs, which it needs if the datastore has no key."""
    needed = [f"{_BLOBS}/{verb}" for verb in ("read", "write")]
    lacking = permissions.missing(given, needed, data=True)
    if not lacking:
        message = (
            f"The datastore {store.name} uses identity-based access, and this identity can write blobs "
            f"in {store.account}."
        )
        return Finding("storage-role", OK, FIELD, message, docs=_STORAGE, looked_at=store.account_id)
    ask = role_for(lacking[-1], store.account_id, who)
    return Finding(
        "storage-role",
        BLOCKER,
        FIELD,
        f"The datastore {store.name} uses identity-based access, but this identity cannot write blobs "
        f"in {store.account}: its uploads would fail with AuthorizationPermissionMismatch.",
        f"{ask.sentence} {ask.command}",
        _STORAGE,
        store.account_id,
        (ask.command,),
    )


def autoscale_role(group: str, given: list[Permission], who: SignedIn | None) -> Finding:
    """Check that the identity may set autoscale rules, which are in the workspace's resource group."""
    lacking = permissions.missing(given, _AUTOSCALE)
    named = group.rpartition("/")[2]
    if not lacking:
        message = f"This identity can set autoscale rules in the resource group {named}."
        return Finding("autoscale-role", OK, FIELD, message, docs=_SCALING, looked_at=group)
    ask = role_for(lacking[-1], group, who)
    return Finding(
        "autoscale-role",
        BLOCKER,
        FIELD,
        f"The plan has autoscale rules, but this identity cannot set them in the resource group {named}: it lacks "
        f"{' and '.join(lacking)}.",
        f"{ask.sentence} A custom role with only these actions suffices. {ask.command}",
        _SCALING,
        group,
        (ask.command,),
    )


def provider(name: str, state: str | None) -> Finding | None:
    """Check that a resource provider is registered; None if it is, or if an optional one is unknown."""
    own = name in (PROVIDERS[0], MONITOR)
    id = f"provider-{name.rpartition('.')[2].lower()}"
    if state is None:
        message = f"Whether the resource provider {name} is registered is unknown."
        return Finding(id, UNKNOWN, "workspace.subscription_id", message, docs=_REGISTER) if own else None
    if state.lower() == "registered":
        if not own:
            return None
        message = f"The resource provider {name} is registered."
        return Finding(id, OK, "workspace.subscription_id", message, docs=_REGISTER, looked_at=name)
    return Finding(
        id,
        BLOCKER if own and state.lower() != "registering" else WARNING,
        "workspace.subscription_id",
        f"The resource provider {name} is {state} in this subscription, and "
        f"{'autoscale' if name == MONITOR else 'creating an endpoint'} {'needs it' if own else 'may need it'}.",
        "Register it.",
        _REGISTER,
        name,
        (az("provider register", namespace=name),),
    )


def role_for(action: str, scope: str, who: SignedIn | None) -> Request:
    """The role that allows an identity to do something at a scope."""
    return request_for(action, scope, who.object_id, who.kind) if who else request_for(action, scope)


def providers(cloud: Cloud) -> dict[str, str | None]:
    """The state of each relevant resource provider; None if it is not reported. Raises CloudError."""
    found: dict[str, str | None] = {PROVIDERS[0]: permissions.registration(cloud, PROVIDERS[0])}
    scaled = any(one.autoscale for one in cloud.plan.every_deployment)
    for name in (*PROVIDERS[1:], *((MONITOR,) if scaled else ())):
        try:
            found[name] = permissions.registration(cloud, name)
        except CloudError:
            found[name] = None
    return found


def _without_key(plan: Plan, info: WorkspaceInfo, store: Store | None) -> Store | None:
    """The datastore with its account's id, if the plan uploads to it with this identity's data role."""
    if store is None or not store.identity or plan.deployment.model.path is None:
        return None
    account = store.account_id or info.storage_account
    return replace(store, account_id=account) if account else None


def findings(
    plan: Plan,
    cloud: Cloud,
    info: WorkspaceInfo,
    asked_rights: Question[list[Permission]],
    asked_providers: Question[dict[str, str | None]],
    who: SignedIn | None,
    store: Store | None,
    endpoint: EndpointInfo | None,
) -> Iterator[Finding]:
    """Check roles on the workspace, those on storage and resource group if needed, and resource providers."""
    keyless = _without_key(plan, info, store)
    asked_storage = asked_group = None
    group = info.id.partition("/providers/")[0]
    if plan.deployment.autoscale is not None:
        asked_group = Question(functools.partial(permissions.granted, cloud, group), asked_rights.left)
    if keyless is not None:
        granted = functools.partial(permissions.granted, cloud, keyless.account_id)
        asked_storage = Question(granted, asked_rights.left)
    given = ask(asked_rights, "roles", FIELD, "What this identity has permission to do", blocks=False)
    yield given if isinstance(given, Finding) else roles(plan, info, given, who, store, endpoint)
    if asked_storage is not None and keyless is not None:
        blobs = ask(asked_storage, "storage-role", FIELD, "Whether this identity can write blobs", blocks=False)
        yield blobs if isinstance(blobs, Finding) else storage_role(keyless, blobs, who)
    if asked_group is not None:
        may = ask(asked_group, "autoscale-role", FIELD, "Whether this identity can set autoscale rules", blocks=False)
        yield may if isinstance(may, Finding) else autoscale_role(group, may, who)
    states = ask(
        asked_providers, "provider-machinelearningservices", FIELD, "Which providers are registered", blocks=False
    )
    if isinstance(states, Finding):
        yield states
    else:
        yield from filter(None, map(provider, states, states.values()))
