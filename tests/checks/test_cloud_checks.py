"""Findings about workspace, isolation, names and capacity, from Azure's responses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan

from tui.checks import ask_azure
from tui.checks.capacity import size_and_quota
from tui.checks.finding import Finding
from tui.checks.network import network_flags
from tui.checks.workspace import endpoint_names, workspace
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.workspace.sizes import SizeOffer
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import Question
from tui.plan import model as m

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"


def a_workspace(mode: str = "legacy", **changes: Any) -> WorkspaceInfo:
    managed = {"isolation_mode": "AllowOnlyApprovedOutbound", "status": "Active"} if mode == "managed_network" else None
    info = WorkspaceInfo(
        id=ID,
        name="ws",
        location="eastus2",
        isolation=mode,
        public_network_access="Enabled" if mode == "public" else "Disabled",
        managed_network=managed,
        image_build_compute="builder",
        portal_url="",
        explain="",
    )
    return dataclasses.replace(info, **changes)


def a_deployment(**changes: Any) -> DeploymentInfo:
    info = DeploymentInfo(
        name="blue",
        id=f"{ID}/onlineEndpoints/churn-endpoint/deployments/blue",
        provisioning_state="Succeeded",
        instance_type="Standard_D4as_v4",
        instance_count=1,
        model=None,
        environment=None,
        code=None,
        scoring_script=None,
        environment_variables={},
        egress_public_network_access=None,
        app_insights_enabled=False,
        description="",
        tags={},
    )
    return dataclasses.replace(info, **changes)


def an_endpoint(**changes: Any) -> EndpointInfo:
    info = EndpointInfo(
        name="churn-endpoint",
        id=f"{ID}/onlineEndpoints/churn-endpoint",
        provisioning_state="Succeeded",
        scoring_uri=None,
        auth_mode="key",
        public_network_access="disabled",
        description="",
        tags={"aml-deploy": "0.1.0"},
        traffic={"blue": 100},
        location="eastus2",
        deployments=[a_deployment()],
    )
    return dataclasses.replace(info, **changes)


def told(findings: list[Finding]) -> dict[str, str]:
    return {finding.id: finding.severity for finding in findings}


@pytest.mark.parametrize(
    ("mode", "egress", "expected"),
    [
        ("legacy", "disabled", {"isolation": "ok"}),
        ("legacy", "enabled", {"egress-closed-workspace": "blocker"}),
        ("legacy", None, {"egress-closed-workspace": "blocker"}),  # Azure's default is enabled
        ("managed_network", None, {"isolation": "ok"}),
        ("managed_network", "disabled", {"egress-flag": "warning"}),
        ("managed_network", "enabled", {"egress-flag": "warning"}),
        ("public", "disabled", {"isolation": "ok"}),
        ("public", None, {"isolation": "ok"}),
    ],
)
def test_the_egress_flag_against_the_workspaces_isolation(
    make_plan: MakePlan, mode: str, egress: str | None, expected: dict[str, str]
) -> None:
    assert told(network_flags.check(make_plan(egress=egress), a_workspace(mode))) == expected


@pytest.mark.parametrize(
    ("status", "severity"), [("Active", None), ("active", None), ("Inactive", "blocker"), (None, "unknown")]
)
def test_a_managed_network_must_be_provisioned(make_plan: MakePlan, status: str | None, severity: str | None) -> None:
    network = {"isolation_mode": "AllowInternetOutbound", "status": status}
    found = network_flags.check(make_plan(), a_workspace("managed_network", managed_network=network))
    assert told(found).get("managed-network") == severity
    if severity == "blocker":
        assert found[0].commands == ("az ml workspace provision-network --name ws --resource-group rg",)


def test_a_model_of_a_registry_behind_closed_egress(make_plan: MakePlan) -> None:
    plan = make_plan(egress="disabled")
    model = m.Model(name="x", registered="azureml://registries/shared/models/x/versions/1")
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=model))
    assert told(network_flags.check(plan, a_workspace())) == {"model-elsewhere": "warning"}
    assert "model-elsewhere" not in told(network_flags.check(plan, a_workspace("managed_network")))


def test_v1_legacy_mode_blocks() -> None:
    assert told(workspace.version_two(a_workspace(v1_legacy_mode=True))) == {"v1-legacy-mode": "blocker"}
    assert workspace.version_two(a_workspace()) == []


def test_a_free_name_and_an_endpoint_of_ours_are_fine(make_plan: MakePlan) -> None:
    plan = make_plan(egress="enabled")
    assert told(endpoint_names.check(plan, None, a_workspace())) == {"endpoint": "ok"}
    assert told(endpoint_names.check(plan, an_endpoint(), a_workspace())) == {"endpoint": "ok"}


@pytest.mark.parametrize(
    ("changes", "id", "severity"),
    [
        ({"auth_mode": "aad_token"}, "endpoint-auth-mode", "blocker"),
        ({"public_network_access": "enabled"}, "endpoint-access", "warning"),
        ({"tags": {}}, "endpoint-others", "warning"),
        ({"kind": "K8S"}, "endpoint-kind", "blocker"),
        ({"provisioning_state": "Updating"}, "endpoint-busy", "warning"),
        ({"provisioning_state": "Deleting"}, "endpoint-busy", "blocker"),
        ({"provisioning_state": "Failed"}, "endpoint-failed", "warning"),
        ({"traffic": {"blue": 90, "green": 10}}, "traffic", "warning"),
        ({"deployments": [a_deployment(provisioning_state="Updating")]}, "deployment-busy", "warning"),
        ({"deployments": [a_deployment(egress_public_network_access="disabled")]}, "deployment-egress", "blocker"),
    ],
)
def test_an_endpoint_that_differs(make_plan: MakePlan, changes: dict[str, Any], id: str, severity: str) -> None:
    found = endpoint_names.check(make_plan(egress="enabled"), an_endpoint(**changes), a_workspace())
    assert told(found) == {id: severity}
    assert all(finding.message and finding.remedy for finding in found)


def test_the_egress_flag_of_a_deployment_may_change_where_it_does_not_apply(make_plan: MakePlan) -> None:
    endpoint = an_endpoint(deployments=[a_deployment(egress_public_network_access="disabled")])
    found = endpoint_names.check(make_plan(), endpoint, a_workspace("managed_network"))
    assert told(found) == {"endpoint": "ok"}


def test_traffic_for_a_deployment_that_is_not_there(make_plan: MakePlan) -> None:
    plan = make_plan(egress="enabled", traffic={"blue": 90, "green": 10})
    assert told(endpoint_names.check(plan, None, a_workspace()))["traffic"] == "blocker"
    green = an_endpoint(traffic={}, deployments=[a_deployment(), a_deployment(name="green")])
    assert told(endpoint_names.check(plan, green, a_workspace())) == {"endpoint": "ok"}
    # A share of 0 needs no deployment.
    plan = make_plan(egress="enabled", traffic={"blue": 100, "green": 0})
    assert told(endpoint_names.check(plan, None, a_workspace())) == {"endpoint": "ok"}


def offer(left: int | None, fits: bool | None = None) -> SizeOffer:
    return SizeOffer("Standard_D4as_v4", "standardDASv4Family", 4, 16, 0, False, 8, left, fits, "As the service says.")


@pytest.mark.parametrize(
    ("offered", "existing", "severity"),
    [
        (offer(8, True), None, "ok"),
        (offer(7, False), None, "blocker"),
        (offer(None), None, "unknown"),
        (offer(None, False), None, "blocker"),  # not available in this region
        (offer(100, False), None, "blocker"),
        (offer(0, False), a_deployment(), "ok"),  # it already uses these cores
        (offer(0, False), a_deployment(provisioning_state="Failed"), "blocker"),
        (offer(0, False), a_deployment(instance_type="Standard_F4s_v2"), "blocker"),
    ],
)
def test_quota(make_plan: MakePlan, offered: SizeOffer, existing: DeploymentInfo | None, severity: str) -> None:
    (finding,) = size_and_quota.quota(make_plan(), [offered], existing)
    assert (finding.id, finding.severity) == ("quota", severity)


def test_sizes_that_are_unknown_or_go_away(make_plan: MakePlan) -> None:
    assert told(size_and_quota.size(make_plan())) == {"size": "ok"}
    assert told(size_and_quota.size(make_plan(instance_type="Standard_New_v9"))) == {"size": "warning"}
    (finding,) = size_and_quota.size(make_plan(instance_type="Standard_NC6s_v3"))
    assert finding.severity == "warning" and "2025-09-30" in finding.message
    assert size_and_quota.quota(make_plan(instance_type="Standard_New_v9"), [], None)[0].severity == "unknown"


def refused(**details: Any) -> Question[str]:
    def ask() -> str:
        raise CloudError("It did not work", "For a reason", "Do this.", **details)

    return Question(ask, 30)


@pytest.mark.parametrize(
    ("details", "needed", "severity"),
    [
        ({"status": 403}, False, "blocker"),
        ({"status": 404}, True, "blocker"),
        ({"status": 404}, False, "unknown"),
        ({"status": 405}, True, "unknown"),
        ({"status": 429}, True, "unknown"),
        ({"status": 503}, True, "unknown"),
        ({"code": "NoCredential"}, True, "blocker"),
        ({"code": "Unreachable", "raw": "Name or service not known"}, True, "blocker"),
        ({"code": "Unreachable", "raw": "Read timed out"}, True, "unknown"),
        ({"code": "Unreachable", "raw": "Name or service not known"}, False, "unknown"),
    ],
)
def test_a_refusal_blocks_and_no_answer_does_not(details: dict[str, Any], needed: bool, severity: str) -> None:
    finding = ask_azure.ask(refused(**details), "id", "field", "It", needed=needed)
    assert isinstance(finding, Finding) and finding.severity == severity
    assert "It did not work. For a reason." in finding.message and finding.remedy == "Do this."


def test_a_question_that_must_not_block_never_does() -> None:
    finding = ask_azure.ask(refused(status=403), "id", "field", "It", blocks=False)
    assert isinstance(finding, Finding) and finding.severity == "unknown"
