"""Lists of choices: each answer is `{"items": [{"value", "label", "detail", "sets"}], "reason": ""}`.

`reason` says why there is no list or why it is incomplete. `sets` are further fields of the plan, by key.
"""

from __future__ import annotations

from typing import Any

from tui.cloud.assets import base_images
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.cloud.workspace import listing
from tui.helper import sessions
from tui.plan.model import Plan


def without_workspace(plan: dict[str, Any]) -> dict[str, Any]:
    """A question's plan with its credential only, so that choosing a workspace needs no further sign-in."""
    tree = {name: part for name, part in (plan.get("document") or {}).items() if name == "credential"}
    empty = {"subscription_id": "", "resource_group": "", "name": ""}
    return {**plan, "document": {**tree, "workspace": empty}}


def connected(plan: dict[str, Any]) -> tuple[Cloud, Plan]:
    """A connection with the credential of a question's plan that has signed in, and the plan. Raises CloudError."""
    cloud = sessions.cloud_of(without_workspace(plan), workspace=False)
    # A failed sign-in affects every list, so it is an error with a remedy, not a list's reason.
    try:
        cloud.credential.get_token(cloud.metadata.management_scope)
    except Exception as error:
        from tui.cloud.error_explanations import explain

        raise explain(error) from None
    return cloud, sessions.plan_of(plan)


def subscriptions(plan: dict[str, Any]) -> listing.Listing:
    """The subscriptions that the identity can see."""
    return listing.subscriptions(connected(plan)[0])


def resource_groups(plan: dict[str, Any]) -> listing.Listing:
    """The resource groups of the plan's subscription."""
    cloud, known = connected(plan)
    return listing.resource_groups(cloud, known.workspace)


def workspaces(plan: dict[str, Any]) -> listing.Listing:
    """The workspaces of the plan's subscription, those of its resource group first."""
    cloud, known = connected(plan)
    return listing.workspaces(cloud, known.workspace)


def endpoints(plan: dict[str, Any]) -> listing.Listing:
    """The endpoints of the plan's workspace with state, traffic and deployments."""
    cloud, known = connected(plan)
    return listing.endpoints(cloud, known.workspace)


def deployments(plan: dict[str, Any], endpoint: str | None = None) -> listing.Listing:
    """The deployments of the plan's endpoint (or another one), preceded by an unused name."""
    cloud, known = connected(plan)
    return listing.deployments(cloud, known.workspace, endpoint or known.endpoint.name)


def registered_models(plan: dict[str, Any]) -> listing.Listing:
    """The models registered in the plan's workspace, as `azureml:NAME:LATEST`."""
    cloud, known = connected(plan)
    return listing.registered_models(cloud, known.workspace)


def model_versions(plan: dict[str, Any], name: str | None = None) -> listing.Listing:
    """The versions of a registered model: the named one, the one that the plan refers to, or the plan's model."""
    cloud, known = connected(plan)
    model = known.deployment.model
    referred = str(model.registered or "").partition("azureml:")[2].partition(":")[0].partition("@")[0]
    if "/" in referred:  # of another workspace or of a registry
        referred = ""
    return listing.model_versions(cloud, known.workspace, name or referred or model.name or "")


def versions_of(plan: dict[str, Any], model: str) -> listing.Listing:
    """The versions of the model of that name in the plan's workspace, newest first."""
    return model_versions(plan, model)


def environments(plan: dict[str, Any]) -> listing.Listing:
    """The workspace's own environments, then the curated ones of the registry azureml if it is reachable."""
    cloud, known = connected(plan)
    own, curated = listing.environments(cloud, known.workspace), base_images.curated_environments(cloud)
    reasons = [reason for reason in (own.reason, curated.reason) if reason]
    return listing.Listing([*own.items, *curated.items], " ".join(reasons))


def curated_images(plan: dict[str, Any]) -> listing.Listing:
    """Microsoft's base images; needs no sign-in."""
    try:
        cloud = sessions.cloud_of(without_workspace(plan), workspace=False)
    except CloudError:
        return base_images.curated_images(None)
    return base_images.curated_images(cloud)
