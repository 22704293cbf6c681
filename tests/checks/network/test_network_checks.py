"""Findings about approvals, tiers, outbound rules, capacity, and the host names of all clouds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_deployment, a_workspace, an_endpoint, told

from tui.checks.capacity import size_and_quota
from tui.checks.network import connectivity, network_flags, outbound_rules, private_endpoints
from tui.checks.workspace import endpoint_names, workspace_diagnose
from tui.cloud.endpoints.endpoint_names import NameInRegion
from tui.cloud.http import dns_zones
from tui.cloud.http.hosts import Dependency
from tui.cloud.workspace.diagnose import Diagnosis
from tui.cloud.workspace.limits import Counted, Usage
from tui.common.deadlines import Question

REGISTRY = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/cr"


def closed(**changes: Any) -> Any:
    return a_workspace(**{"container_registry": REGISTRY, "private_endpoints_told": True, **changes})


@pytest.mark.parametrize(
    ("endpoints", "severity"),
    [
        ({"pe": "Approved"}, "ok"),
        ({"pe": "Pending"}, "blocker"),
        ({"pe": "Rejected"}, "blocker"),
        ({"pe": "Approved", "other": "Pending"}, "warning"),
        ({}, "warning"),
    ],
)
def test_private_endpoint_approvals(make_plan: MakePlan, endpoints: dict[str, str], severity: str) -> None:
    (found,) = private_endpoints.approvals(make_plan(), closed(private_endpoints=endpoints))
    assert (found.id, found.severity) == ("private-endpoint", severity)
    assert found.commands or severity == "ok"


def test_nothing_is_said_about_private_endpoints_that_were_not_told(make_plan: MakePlan) -> None:
    assert private_endpoints.approvals(make_plan(), closed(private_endpoints_told=False)) == []


@pytest.mark.parametrize(
    ("found", "builder", "expected"),
    [
        (Dependency(REGISTRY, access="disabled", sku="Premium"), "builder", {"registry": "ok"}),
        (Dependency(REGISTRY, access="disabled", sku="Standard"), "builder", {"registry-tier": "blocker"}),
        (Dependency(REGISTRY, access="disabled", sku="Premium"), None, {"image-build-compute": "blocker"}),
        (Dependency(REGISTRY, access="enabled", sku="Basic"), None, {"registry": "ok"}),
        (
            Dependency(REGISTRY, access="disabled", sku="Premium", endpoints={"pe": "Pending"}),
            "builder",
            {"registry-approval": "warning"},
        ),
        (None, None, {"image-build-compute": "unknown"}),
        (None, "builder", {}),
    ],
)
def test_the_registry(found: Dependency | None, builder: str | None, expected: dict[str, str]) -> None:
    assert told(private_endpoints.registry(closed(image_build_compute=builder), found, builds=True)) == expected


def test_a_managed_network_builds_images_itself() -> None:
    info = closed(mode="managed_network", image_build_compute=None)
    assert told(private_endpoints.registry(info, Dependency(REGISTRY, access="disabled", sku="Premium"), True)) == {
        "registry": "ok"
    }


def test_a_vault_that_lets_no_service_pass_matters_for_keys_only(make_plan: MakePlan) -> None:
    vault = Dependency("/v/kv", access="selected", azure_services=False)
    assert told(private_endpoints.vault(make_plan(), closed(), vault)) == {"key-vault": "warning"}
    plan = make_plan()
    plan = dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, auth_mode="aad_token"))
    assert private_endpoints.vault(plan, closed(), vault) == []
    assert private_endpoints.vault(make_plan(), closed(), dataclasses.replace(vault, azure_services=True)) == []
    assert private_endpoints.vault(make_plan(), closed(), None) == []


def approved_only(*destinations: str, **more: Any) -> Any:
    rules: dict[str, dict[str, Any]] = {
        f"r{number}": {"type": "FQDN", "destination": name, "status": "Active"}
        for number, name in enumerate(destinations)
    }
    return a_workspace("managed_network", outbound_rules={**rules, **more})


CHANNEL = """\
channels: [conda-forge, https://conda.example.org/house]
dependencies:
  - python=3.10
  - numpy
  - pip: [--extra-index-url https://packages.example.org/simple, azureml-inference-server-http]
"""
NEEDED = {"conda.anaconda.org", "conda.example.org", "packages.example.org", "pypi.org", "files.pythonhosted.org"}


def test_what_a_conda_file_makes_azure_fetch(make_plan: MakePlan) -> None:
    assert set(outbound_rules.fetched(make_plan(conda=CHANNEL))) == NEEDED
    own = "dependencies: [{pip: ['--index-url=https://mirror.example.org/simple', 'xgboost']}]"
    assert set(outbound_rules.fetched(make_plan(conda=own))) == {"mirror.example.org"}


def test_an_mlflow_model_without_code_fetches_what_it_lists(make_plan: MakePlan) -> None:
    plan = make_plan(code=False, model_type="mlflow_model")
    plan = dataclasses.replace(
        plan, deployment=dataclasses.replace(plan.deployment, environment=type(plan.deployment.environment)())
    )
    (Path(plan.deployment.model.path) / "conda.yaml").write_text(CHANNEL, encoding="utf-8")
    assert set(outbound_rules.fetched(plan)) == NEEDED


def test_outbound_rules_against_what_the_plan_fetches(make_plan: MakePlan) -> None:
    plan = make_plan(conda=CHANNEL)
    (found,) = outbound_rules.check(plan, approved_only("*.anaconda.org", "pypi.org", "conda.example.org"))
    assert (found.id, found.severity) == ("outbound", "warning")
    assert "packages.example.org" in found.message and "files.pythonhosted.org" in found.message
    assert "conda.anaconda.org" not in found.message
    assert "--destination packages.example.org" in found.as_dict()["command"]
    allowed = approved_only("*.anaconda.org", "pypi.org", "*.pythonhosted.org", "*.example.org")
    assert told(outbound_rules.check(plan, allowed)) == {"outbound": "ok"}


def test_where_everything_may_go_out_only_broken_rules_are_told(make_plan: MakePlan) -> None:
    network_of = {"isolation_mode": "AllowInternetOutbound", "status": "Active"}
    info = dataclasses.replace(approved_only(), managed_network=network_of)
    assert outbound_rules.check(make_plan(), info) == []
    rule = {"type": "PrivateEndpoint", "destination": {"serviceResourceId": "/x"}, "status": "Inactive"}
    info = dataclasses.replace(approved_only(vault=rule), managed_network=network_of)
    assert told(outbound_rules.check(make_plan(), info)) == {"outbound-rules": "warning"}
    assert outbound_rules.check(make_plan(), a_workspace()) == []


def test_a_wildcard_covers_what_is_below_and_not_the_domain_itself() -> None:
    assert outbound_rules.covered("a.example.org", ["*.example.org"])
    assert not outbound_rules.covered("example.org", ["*.example.org"])
    assert not outbound_rules.covered("badexample.org", ["*.example.org"])


@pytest.mark.parametrize(
    ("mode", "egress", "fix"),
    [
        ("legacy", "enabled", {"key": network_flags.EGRESS, "value": "disabled"}),
        ("legacy", None, {"key": network_flags.EGRESS, "value": "disabled"}),
        ("managed_network", "disabled", {"key": network_flags.EGRESS, "value": None}),
        ("managed_network", None, None),
        ("legacy", "disabled", None),
    ],
)
def test_a_wrong_flag_comes_with_the_right_value(
    make_plan: MakePlan, mode: str, egress: str | None, fix: dict[str, Any] | None
) -> None:
    (found,) = network_flags.check(make_plan(egress=egress), a_workspace(mode))
    shown = found.as_dict()
    assert shown.get("fix") == fix
    assert ("fix" in shown) is (fix is not None)


def test_room_for_endpoints_deployments_and_cores(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert told(size_and_quota.room(plan, Usage(Counted(3, 100)), None)) == {"room": "ok"}
    assert told(size_and_quota.room(plan, Usage(Counted(100, 100)), None)) == {"endpoints-left": "blocker"}
    assert told(size_and_quota.room(plan, Usage(Counted(100, 100)), an_endpoint())) == {"room": "ok"}
    full = an_endpoint(deployments=[a_deployment(name=f"d{number}") for number in range(20)])
    assert told(size_and_quota.room(plan, Usage(), full)) == {"deployments-left": "blocker"}
    assert told(size_and_quota.room(plan, Usage(deployments=Counted(500, 500)), None)) == {
        "deployments-left": "blocker"
    }
    assert told(size_and_quota.room(plan, Usage(all_cores=Counted(20, 27)), None)) == {"regional-cores": "blocker"}
    assert told(size_and_quota.room(plan, Usage(all_cores=Counted(20, 28)), None)) == {"room": "ok"}
    many = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, instance_count=51))
    assert told(size_and_quota.room(many, Usage(), None)) == {"instances": "warning"}


def test_a_name_that_another_workspace_has(make_plan: MakePlan) -> None:
    theirs = NameInRegion("churn", "eastus2", "taken", "other", "their-group", "/their/id", 3)
    (found,) = endpoint_names.taken(make_plan(), theirs, a_workspace())
    assert found.severity == "blocker" and "other" in found.message and "their-group" in found.message
    assert endpoint_names.taken(make_plan(), NameInRegion("churn", "eastus2", "unseen"), a_workspace()) == []
    (found,) = endpoint_names.check(make_plan(), None, a_workspace(), 3)
    assert "3 other workspaces of eastus2" in found.message


def test_what_azure_notices_itself() -> None:
    def noticed(*found: Diagnosis) -> dict[str, str]:
        return told(workspace_diagnose.noticed(Question(lambda: list(found), 30), a_workspace()))

    assert noticed() == {"diagnose": "ok"}
    assert noticed(Diagnosis("X", "Information", "Fine.", "DNS")) == {"diagnose": "ok"}
    assert noticed(Diagnosis("X", "Warning", "No.", "DNS"), Diagnosis("Y", "Error", "No.", "the key vault")) == {
        "diagnose": "warning",
        "diagnose-2": "warning",
    }

    def late() -> list[Diagnosis]:
        raise TimeoutError("not yet")

    assert told(workspace_diagnose.noticed(Question(late, 30), a_workspace())) == {"diagnose": "unknown"}


@pytest.mark.parametrize(
    ("host", "zone", "record"),
    [
        ("acct.blob.core.windows.net", "privatelink.blob.core.windows.net", "acct"),
        ("acct.blob.core.usgovcloudapi.net", "privatelink.blob.core.usgovcloudapi.net", "acct"),
        ("acct.blob.core.chinacloudapi.cn", "privatelink.blob.core.chinacloudapi.cn", "acct"),
        ("kv.vault.azure.net", "privatelink.vaultcore.azure.net", "kv"),
        ("cr.azurecr.us", "privatelink.azurecr.us", "cr"),
        ("g.workspace.eastus.api.azureml.ms", "privatelink.api.azureml.ms", "g.workspace.eastus"),
        ("g.workspace.usgovarizona.api.ml.azure.us", "privatelink.api.ml.azure.us", "g.workspace.usgovarizona"),
        ("ml-x.chinaeast2.notebooks.chinacloudapi.cn", "privatelink.notebooks.chinacloudapi.cn", "ml-x.chinaeast2"),
        ("churn.eastus.inference.ml.azure.com", "privatelink.api.azureml.ms", "*.guid.inference.eastus"),
        ("churn.chinaeast2.inference.ml.azure.cn", "privatelink.api.ml.azure.cn", "*.guid.inference.chinaeast2"),
    ],
)
def test_private_zones_of_all_clouds(host: str, zone: str, record: str) -> None:
    found = dns_zones.private_name(host, "guid")
    assert found is not None and (found.zone, found.record) == (zone, record)


def test_names_of_other_clouds_are_not_made_up() -> None:
    assert dns_zones.private_name("acct.blob.core.example.org") is None
    assert dns_zones.private_name("notazurecr.io") is None
    assert dns_zones.inference_probe("Elsewhere", "guid", "eastus") is None
    assert dns_zones.inference_probe("AzureCloud", None, "eastus") is None
    name, record = dns_zones.inference_probe("AzureUSGovernment", "GUID", "usgovarizona") or ("", None)
    assert name.endswith(".guid.inference.usgovarizona.privatelink.api.ml.azure.us")
    assert record is not None and record.zone == "privatelink.api.ml.azure.us"


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.1.0.5", True), ("172.16.0.1", True), ("172.32.0.1", False), ("192.168.1.1", True), ("100.64.0.1", True),
        ("127.0.0.1", True), ("20.60.1.1", False), ("fd00::1", True), ("fe80::1%eth0", True), ("2603::1", False),
        ("::ffff:10.0.0.1", True), ("nonsense", False),
    ],
)  # fmt: skip
def test_private_addresses(address: str, private: bool) -> None:
    assert dns_zones.is_private(address) is private


def test_authorities_that_azure_does_not_use_are_foreign() -> None:
    assert not connectivity.foreign("Microsoft Corporation, Microsoft Azure RSA TLS Issuing CA 08")
    assert not connectivity.foreign("DigiCert Inc, DigiCert Global G2 TLS RSA SHA256 2020 CA1")
    assert connectivity.foreign("Zscaler Inc., Zscaler Intermediate Root CA")
    assert not connectivity.foreign(None)
