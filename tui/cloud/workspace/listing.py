"""Lists what users can choose instead of typing: subscriptions, groups, workspaces, endpoints, models, environments.

Paths and versions are from Microsoft's REST reference (Subscriptions - List 2022-12-01, Resource Groups - List
2021-04-01) and azure-ai-ml 1.35 for Azure Machine Learning. A missing permission is returned as a reason, not raised
as an error, since the user can still type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from typing import Any, Callable

from tui.cloud.endpoints.deployments import info as deployment_info
from tui.cloud.endpoints.endpoints import info as endpoint_info
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.workspace.workspace import connection
from tui.plan.model import Workspace
from tui.plan.traffic import in_words

SUBSCRIPTIONS = "2022-12-01"
GROUPS = "2021-04-01"

MOST = 1000  # items of one list
MOST_LOOKED_INTO = 25  # items whose details need a request of their own
NO_ROLE = "The identity has no role in any subscription; you can type an id."
_SERVICE = "providers/Microsoft.MachineLearningServices"


@dataclass(frozen=True)
class Item:
    """One choice: the plan's value, its display name, and a description.

    `sets` are further fields of the plan, by key, that the choice determines.
    """

    value: str
    label: str
    detail: str = ""
    sets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """A list, or the reason why there is none or why it is incomplete, as a sentence."""

    items: list[Item] = field(default_factory=list)
    reason: str = ""


def subscriptions(cloud: Cloud) -> Listing:
    """The subscriptions in which the identity has a role."""

    def item(body: dict[str, Any]) -> Item:
        state = str(body.get("state") or "")
        words = "" if state == "Enabled" else f", {state.lower()}"
        identifier = str(body.get("subscriptionId") or "")
        return Item(identifier, str(body.get("displayName") or identifier), f"{identifier}{words}")

    return listed("The subscriptions", lambda: map(item, cloud.arm.items("/subscriptions", SUBSCRIPTIONS)), NO_ROLE)


def resource_groups(cloud: Cloud, scope: Workspace) -> Listing:
    """The resource groups of the subscription."""
    if not scope.subscription_id:
        return Listing(reason="Enter the subscription to list its resource groups.")

    def item(body: dict[str, Any]) -> Item:
        name = str(body.get("name") or "")
        return Item(name, name, str(body.get("location") or ""))

    path = f"/subscriptions/{scope.subscription_id}/resourcegroups"
    none = "The identity cannot see any resource group in this subscription; type the name."
    return listed("The resource groups", lambda: map(item, cloud.arm.items(path, GROUPS)), none)


def workspaces(cloud: Cloud, scope: Workspace) -> Listing:
    """The workspaces of the subscription, those of the plan's resource group first; choosing one sets its group.

    For an identity with roles on the resource group only, those of the group.
    """
    if not scope.subscription_id:
        return Listing(reason="Enter the subscription to list its workspaces.")

    def below(place: str) -> Listing:
        return listed("The workspaces", lambda: map(_workspace, workspaces_below(cloud, place)))

    subscription = f"/subscriptions/{scope.subscription_id}"
    found = below(subscription)
    if not found.items and scope.resource_group:
        nearer = below(f"{subscription}/resourceGroups/{scope.resource_group}")
        found = nearer if nearer.items or not found.reason else found
    if not found.items:
        return found if found.reason else Listing(reason="The identity cannot see any workspace here; type the name.")
    here = scope.resource_group.lower()
    first = sorted(found.items, key=lambda item: item.sets["workspace.resource_group"].lower() != here)
    return Listing(first, found.reason)


def workspaces_below(cloud: Cloud, place: str) -> Iterator[dict[str, Any]]:
    """The workspaces of a subscription or resource group (its id), as from Resource Manager. Raises CloudError."""
    return cloud.arm.items(f"{place}/{_SERVICE}/workspaces", arm.WORKSPACES, doing="listing the workspaces")


def _workspace(body: dict[str, Any]) -> Item:
    name, group = str(body.get("name") or ""), group_of(str(body.get("id") or ""))
    properties = body.get("properties") or {}
    access = "closed" if str(properties.get("publicNetworkAccess")).lower() == "disabled" else "open"
    words = [f"{group}, {body.get('location')}, {access} to public networks"]
    kind = str(body.get("kind") or "Default")
    if kind.lower() != "default":
        words.append(f"kind {kind}")
    return Item(name, name, ", ".join(words), {"workspace.resource_group": group})


def group_of(resource_id: str) -> str:
    """The resource group in a Resource Manager id; empty if it has none."""
    parts = resource_id.split("/")
    lowered = [part.lower() for part in parts]
    place = lowered.index("resourcegroups") + 1 if "resourcegroups" in lowered else len(parts)
    return parts[place] if place < len(parts) else ""


def endpoints(cloud: Cloud, scope: Workspace) -> Listing:
    """The workspace's online endpoints with state, traffic and deployments."""
    if not scope.name:
        return Listing(reason="Enter the workspace to list its endpoints.")
    root = f"{scope.id}/onlineEndpoints"

    def read() -> Iterable[Item]:
        bodies = list(islice(cloud.arm.items(root, arm.ENDPOINTS), MOST))
        paths = [f"{root}/{body.get('name')}/deployments" for body in bodies[:MOST_LOOKED_INTO]]
        found = each(lambda path: _bodies(cloud, path, arm.DEPLOYMENTS, MOST), paths)
        return map(_endpoint, bodies, chain(found, repeat(None)))

    return listed("The endpoints", read)


def _bodies(cloud: Cloud, path: str, version: str, most: int) -> list[dict[str, Any]] | None:
    """The items of a collection; None if it cannot be listed."""
    try:
        return list(islice(cloud.arm.items(path, version), most))
    except CloudError:
        return None


def _endpoint(body: dict[str, Any], deployments: list[dict[str, Any]] | None) -> Item:
    found = endpoint_info(body)
    known = dict.fromkeys([*found.traffic, *(str(one.get("name")) for one in deployments or [])])
    none = "no traffic" if deployments is None else "no deployment"
    shares = in_words({name: found.traffic.get(name, 0) for name in known}, none, zeros=True)
    state, mode = (found.provisioning_state or "unknown state").lower(), found.auth_mode
    return Item(found.name, found.name, "; ".join([state, mode, shares]), {"endpoint.auth_mode": mode} if mode else {})


def deployments(cloud: Cloud, scope: Workspace, endpoint: str) -> Listing:
    """The deployments of an endpoint, preceded by an unused name for a new one."""
    if not (scope.name and endpoint):
        return Listing(reason="Enter workspace and endpoint to list the deployments.")
    root = f"{scope.id}/onlineEndpoints/{endpoint}"
    try:
        there = cloud.arm.find(root, arm.ENDPOINTS)
    except CloudError as error:
        return Listing(reason=why_not("The deployments", error))
    if there is None:
        return Listing(reason=f"The endpoint {endpoint} does not exist yet, so any name can be used.")
    traffic = endpoint_info(there).traffic

    def item(body: dict[str, Any]) -> Item:
        found = deployment_info(body)
        words = f"{found.provisioning_state.lower()}; {found.instance_count or 1} × {found.instance_type}"
        share = traffic.get(found.name, 0)
        return Item(found.name, found.name, f"{words}; {share} % of traffic; would be updated")

    found = listed("The deployments", lambda: map(item, cloud.arm.items(f"{root}/deployments", arm.DEPLOYMENTS)))
    if not found.items:
        return found if found.reason else Listing(reason=f"{endpoint} has no deployment yet, so any name can be used.")
    free = free_name([item.value for item in found.items])
    return Listing([Item(free, free, "unused; a new deployment alongside the others"), *found.items], found.reason)


def free_name(taken: Iterable[str]) -> str:
    """An unused deployment name: blue, green, then blue-2, green-2 and so on."""
    known = {name.lower() for name in taken}
    number = 1
    while True:
        for colour in ("blue", "green"):
            name = colour if number == 1 else f"{colour}-{number}"
            if name not in known:
                return name
        number += 1


def registered_models(cloud: Cloud, scope: Workspace) -> Listing:
    """The latest version of each of the workspace's models: `azureml:NAME:VERSION`."""
    return _assets(cloud, scope, "models", arm.MODELS, "The registered models")


def model_versions(cloud: Cloud, scope: Workspace, name: str) -> Listing:
    """The versions of a registered model, newest first."""
    if not (scope.name and name):
        return Listing(reason="Enter the model's name to list its versions.")

    def item(body: dict[str, Any]) -> Item:
        version, properties = str(body.get("name") or ""), body.get("properties") or {}
        words = [str(properties.get("modelType") or "").replace("_", " "), _day(body), _short(properties)]
        return Item(f"azureml:{name}:{version}", f"{name}:{version}", "; ".join(word for word in words if word))

    path = f"{scope.id}/models/{name}/versions"
    try:
        return Listing(_newest_first(map(item, islice(cloud.arm.items(path, arm.MODELS), MOST))))
    except CloudError as error:
        if error.status == 404:
            return Listing(reason=f"The workspace has no model {name} yet.")
        return Listing(reason=why_not(f"The versions of {name}", error))


def environments(cloud: Cloud, scope: Workspace) -> Listing:
    """The workspace's own environments as `azureml:NAME:VERSION`: the latest version of each, then older ones."""
    found = _assets(cloud, scope, "environments", arm.ENVIRONMENTS, "The environments")
    names = [item.label for item in found.items][:MOST_LOOKED_INTO]
    paths = [f"{scope.id}/environments/{name}/versions" for name in names]
    newest = {item.label: item for item in found.items}
    items: list[Item] = []
    for name, versions in zip(names, each(lambda path: _bodies(cloud, path, arm.ENVIRONMENTS, 20), paths)):
        items += _newest_first(_environment(name, body) for body in versions or []) or [newest[name]]
    return Listing([*items, *found.items[MOST_LOOKED_INTO:]], found.reason)


def _environment(name: str, body: dict[str, Any]) -> Item:
    version, properties = str(body.get("name") or ""), body.get("properties") or {}
    image = str(properties.get("image") or "").rpartition("/")[2]
    words = [_day(body), image, "with a conda file" if properties.get("condaFile") else "", _short(properties)]
    return Item(f"azureml:{name}:{version}", f"{name}:{version}", "; ".join(word for word in words if word))


def private_endpoints(cloud: Cloud) -> Listing:
    """The private endpoint connections of the plan's workspace and their state."""

    def item(body: dict[str, Any]) -> Item:
        found = connection(body)
        name = found["private_endpoint"] or found["name"]
        return Item(name, name, found["status"].lower() or "unknown state")

    path = f"{cloud.workspace_id}/privateEndpointConnections"
    return listed("The private endpoints", lambda: map(item, cloud.arm.items(path, arm.WORKSPACES)))


def _assets(cloud: Cloud, scope: Workspace, kind: str, version: str, what: str) -> Listing:
    if not scope.name:
        return Listing(reason=f"Enter the workspace. {what} can then be listed.")

    def item(body: dict[str, Any]) -> Item:
        name, properties = str(body.get("name") or ""), body.get("properties") or {}
        latest = properties.get("latestVersion")
        words = [f"latest version {latest}" if latest else "no version", _short(properties)]
        value = f"azureml:{name}:{latest}" if latest else f"azureml:{name}@latest"
        return Item(value, name, "; ".join(word for word in words if word))

    return listed(what, lambda: map(item, cloud.arm.items(f"{scope.id}/{kind}", version)))


def _day(body: dict[str, Any]) -> str:
    created = str((body.get("systemData") or {}).get("createdAt") or "")
    return f"created on {created[:10]}" if len(created) >= 10 else ""


def _short(properties: dict[str, Any]) -> str:
    text = " ".join(str(properties.get("description") or "").split())
    return text if len(text) <= 60 else text[:57].rpartition(" ")[0] + " …"


def _newest_first(items: Iterable[Item]) -> list[Item]:
    """Versions from newest to oldest: numbers in numeric order, then texts."""

    def order(item: Item) -> tuple[bool, int, str]:
        version = item.value.rpartition(":")[2]
        return version.isdigit(), int(version) if version.isdigit() else 0, version

    return sorted(items, key=order, reverse=True)


def each(work: Callable[[Any], Any], paths: Sequence[Any], at_once: int = 4) -> list[Any]:
    """Call `work` for each path, a few in parallel; results are in order."""
    if not paths:
        return []
    with ThreadPoolExecutor(at_once, thread_name_prefix="listing") as pool:
        return list(pool.map(work, paths))


def listed(what: str, read: Callable[[], Iterable[Item]], none: str = "") -> Listing:
    """The items from `read`, at most 1000, or why they cannot be listed. `what` starts the sentence; `none` is the
    reason if there are no items."""
    try:
        items = list(islice(read(), MOST + 1))
    except CloudError as error:
        return Listing(reason=why_not(what, error))
    if len(items) > MOST:
        return Listing(items[:MOST], f"Only the first {MOST} are listed; you can type others.")
    return Listing(items, "" if items else none)


def why_not(what: str, error: CloudError) -> str:
    """Why a list is unavailable, as a sentence."""
    if error.status == 403 and "private link" in error.cause.lower():
        return f"{what} cannot be listed from this machine: the workspace accepts calls over its private endpoint only."
    if error.status == 403:
        return f"{what} cannot be listed: this identity has no role that allows it. You can type the value."
    if error.status == 404:
        return f"{what} cannot be listed: {error.title[0].lower()}{error.title[1:].rstrip('.')}."
    return f"{what} cannot be listed: {error.title[0].lower()}{error.title[1:].rstrip('.')}. You can type the value."
