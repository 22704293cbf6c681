"""Network flags and outbound rules: each condition with both outcomes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_workspace, told

from tui.checks.network import network_flags, outbound_rules, private_endpoints
from tui.cloud.http.hosts import Dependency

RULES = {"all": {"type": "FQDN", "destination": "*"}}
VAULT = Dependency("/v", access="selected", azure_services=False)


@pytest.mark.parametrize(
    ("host", "allowed", "covered"),
    [
        ("pypi.org", ["*"], True),
        ("PyPI.org", ["pypi.ORG"], True),
        ("pypi.org", ["*.pypi.org"], False),
        ("a.pypi.org", ["*.PYPI.org"], True),
        ("a.pypi.org", ["pypi.org"], False),
        ("apypi.org", ["*.pypi.org"], False),
        ("pypi.org", ["other.org", "pypi.org"], True),
        ("pypi.org", [], False),
    ],
)
def test_what_a_rule_covers(host: str, allowed: list[str], covered: bool) -> None:
    assert outbound_rules.covered(host, allowed) is covered


def test_only_rules_for_host_names_with_a_destination_count() -> None:
    rules: dict[str, dict[str, Any]] = {
        "a": {"type": "fqdn", "destination": "a.org"},
        "b": {"type": "ServiceTag", "destination": "b.org"},
        "c": {"type": "FQDN", "destination": ""},
    }
    assert outbound_rules.destinations(rules) == ["a.org"]


@pytest.mark.parametrize(
    ("mode", "isolation", "rules", "expected"),
    [
        ("legacy", "AllowOnlyApprovedOutbound", {}, {}),
        ("managed_network", "AllowOnlyApprovedOutbound", RULES, {"outbound": "ok"}),
        ("managed_network", "allowonlyapprovedoutbound", {}, {"outbound": "warning"}),
        ("managed_network", "AllowInternetOutbound", {}, {}),
        ("managed_network", "AllowOnlyApprovedOutbound", None, {"outbound": "unknown"}),
        ("managed_network", "AllowInternetOutbound", {"r": {"status": "Failed"}}, {"outbound-rules": "warning"}),
        ("managed_network", "AllowInternetOutbound", {"r": {"status": "inactive"}}, {"outbound-rules": "warning"}),
        ("managed_network", "AllowInternetOutbound", {"r": {"status": "Active"}}, {}),
        ("managed_network", "AllowInternetOutbound", {"r": {}}, {}),
    ],
)
def test_outbound_traffic(make_plan: MakePlan, mode: str, isolation: str, rules: Any, expected: dict[str, str]) -> None:
    info = a_workspace(mode, outbound_rules=rules, managed_network={"isolation_mode": isolation, "status": "Active"})
    assert told(outbound_rules.check(make_plan(), info)) == expected


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("cr.example.org/base:1", "cr.example.org"),
        ("cr.example.org:5000/base:1", "cr.example.org"),
        ("mcr.microsoft.com/azureml/base:1", None),
        ("base:1", None),
        ("library/base:1", None),
        ("", None),
    ],
)
def test_the_host_of_the_base_image(make_plan: MakePlan, image: str, host: str | None) -> None:
    plan = make_plan()
    environment = dataclasses.replace(plan.deployment.environment, image=image, conda_file=None)
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))
    assert list(outbound_rules.fetched(plan)) == ([host] if host else [])


@pytest.mark.parametrize(
    ("conda", "hosts"),
    [
        ("dependencies: [python=3.10]", {"repo.anaconda.com"}),
        ("channels: [anaconda, bioconda]\ndependencies: [python=3.10]", {"conda.anaconda.org"}),
        ("channels: [defaults]\ndependencies: [{pip: [numpy]}]", {"pypi.org", "files.pythonhosted.org"}),
        ("dependencies: [{pip: ['--index-url https://a.org/s', numpy]}]", {"a.org"}),
        (
            "dependencies: [{pip: ['--find-links https://a.org/s', numpy]}]",
            {"a.org", "pypi.org", "files.pythonhosted.org"},
        ),
        ("dependencies: []", set()),
    ],
)
def test_the_hosts_of_packages(make_plan: MakePlan, conda: str, hosts: set[str]) -> None:
    assert set(outbound_rules.fetched(make_plan(conda=conda))) == hosts


@pytest.mark.parametrize(
    ("mode", "status", "expected"),
    [
        ("managed_network", "Active", {}),
        ("managed_network", "ACTIVE", {}),
        ("managed_network", "Inactive", {"managed-network": "blocker"}),
        ("managed_network", None, {"managed-network": "unknown"}),
        ("legacy", "Inactive", {}),
    ],
)
def test_a_network_that_is_provisioned(mode: str, status: str | None, expected: dict[str, str]) -> None:
    info = a_workspace(mode, managed_network={"isolation_mode": "x", "status": status})
    assert told(network_flags.provisioned(info)) == expected


@pytest.mark.parametrize(
    ("mode", "access", "egress", "id"),
    [
        ("managed_network", "Disabled", "enabled", "egress-flag"),
        ("managed_network", "Disabled", None, "isolation"),
        ("legacy", "DISABLED", None, "egress-closed-workspace"),
        ("legacy", "Disabled", "disabled", "isolation"),
        ("public", "Enabled", None, "isolation"),
        ("public", "Enabled", "disabled", "isolation"),
    ],
)
def test_the_egress_flag(make_plan: MakePlan, mode: str, access: str, egress: str | None, id: str) -> None:
    (found,) = network_flags.check(make_plan(egress=egress), a_workspace(mode, public_network_access=access))
    assert found.id == id


@pytest.mark.parametrize(
    ("found", "auth_mode", "warned"),
    [
        (VAULT, "key", True),
        (VAULT, "aml_token", True),
        (VAULT, "aad_token", False),
        (dataclasses.replace(VAULT, access="disabled"), "key", True),
        (dataclasses.replace(VAULT, access="enabled"), "key", False),
        (dataclasses.replace(VAULT, access=None), "key", False),
        (dataclasses.replace(VAULT, azure_services=True), "key", False),
        (dataclasses.replace(VAULT, azure_services=None), "key", False),
        (None, "key", False),
    ],
)
def test_the_firewall_of_the_vault(make_plan: MakePlan, found: Dependency | None, auth_mode: str, warned: bool) -> None:
    plan = make_plan()
    plan = dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, auth_mode=auth_mode))
    assert bool(private_endpoints.vault(plan, a_workspace(), found)) is warned


@pytest.mark.parametrize(("state", "warned"), [("Pending", True), ("Approved", False), ("Rejected", False)])
def test_a_pending_connection_of_the_storage(state: str, warned: bool) -> None:
    account = Dependency("/subscriptions/s/resourceGroups/rg/providers/p/store", endpoints={"pe": state})
    assert bool(private_endpoints.storage(a_workspace(), account)) is warned
    assert private_endpoints.storage(a_workspace(), None) == []


@pytest.mark.parametrize(
    ("registry", "builds", "builder", "mode", "expected"),
    [
        (None, True, None, "legacy", {"registry": "unknown"}),  # Azure creates it with the first image
        (None, False, None, "legacy", {}),
        (None, True, None, "public", {}),
        ("/r/cr", True, None, "legacy", {"image-build-compute": "unknown"}),
        ("/r/cr", False, None, "legacy", {}),
        ("/r/cr", True, "builder", "legacy", {}),
        ("/r/cr", True, None, "public", {}),
    ],
)
def test_a_registry_that_cannot_be_read(
    registry: str | None, builds: bool, builder: str | None, mode: str, expected: dict[str, str]
) -> None:
    info = a_workspace(mode, container_registry=registry, image_build_compute=builder)
    assert told(private_endpoints.registry(info, None, builds)) == expected


@pytest.mark.parametrize(
    ("access", "endpoints", "sku", "builds", "expected"),
    [
        ("enabled", {"pe": "Approved"}, "Basic", False, {"registry-tier": "blocker"}),
        ("disabled", {}, "Basic", False, {"registry-tier": "blocker"}),
        ("disabled", {}, "PREMIUM", False, {"registry": "ok"}),
        ("disabled", {}, None, False, {"registry": "ok"}),
        ("disabled", {}, "Premium", True, {"image-build-compute": "blocker"}),
        ("enabled", {}, "Premium", True, {"registry": "ok"}),
        ("enabled", {"pe": "Rejected"}, "Premium", False, {"registry-approval": "warning"}),
    ],
)
def test_a_registry_that_was_read(
    access: str, endpoints: dict[str, str], sku: str | None, builds: bool, expected: dict[str, str]
) -> None:
    info = a_workspace(container_registry="/r/cr", image_build_compute=None)
    found = Dependency("/r/cr", access=access, endpoints=endpoints, sku=sku)
    assert told(private_endpoints.registry(info, found, builds)) == expected
