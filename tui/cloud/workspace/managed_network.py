"""Provisions the managed virtual network of a workspace, so that the first deployment need not wait for it."""

from __future__ import annotations

from tui.cloud import ml_client
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud


def begin_provision(cloud: Cloud) -> Operation[None]:
    """Provision the network with its private endpoints (Microsoft, how-to-managed-network). Raises CloudError."""
    name = cloud.plan.workspace.name
    return ml_client.begin(
        cloud,
        lambda client: client.workspaces.begin_provision_network(workspace_name=name),
        cloud.workspace_id,
        arm.WORKSPACES,
        lambda: None,
        what=f"the managed virtual network of {name}",
        doing=f"provisioning the managed virtual network of {name}",
        action="provisionManagedNetwork",
    )
