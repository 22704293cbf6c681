"""Network flags for MLflow models without a script, and for models of shared registries."""

from __future__ import annotations

import dataclasses

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_workspace

from tui.checks.network import network_flags, private_endpoints
from tui.plan import model as m

SHARED = "azureml://registries/common/models/churn/versions/1"


@pytest.mark.parametrize(
    ("kind", "code", "fixed"),
    [("mlflow_model", False, False), ("mlflow_model", True, True), ("custom_model", False, True)],
)
def test_closing_egress_is_no_way_out_where_azure_must_write_the_script(
    make_plan: MakePlan, kind: str, code: bool, fixed: bool
) -> None:
    (found,) = network_flags.check(make_plan(model_type=kind, code=code), a_workspace())
    assert (found.id, found.severity) == ("egress-closed-workspace", "blocker")
    assert (bool(found.fixes), bool(found.commands)) == (fixed, not fixed)
    assert (network_flags.SCORING in found.remedy) is not fixed


@pytest.mark.parametrize(("egress", "said"), [(None, "is not set"), ("enabled", "is enabled")])
def test_an_open_flag_is_told_from_one_that_is_not_set(make_plan: MakePlan, egress: str | None, said: str) -> None:
    (found,) = network_flags.check(make_plan(egress=egress), a_workspace())
    assert f"egress_public_network_access {said}" in found.message


@pytest.mark.parametrize(
    ("mode", "egress", "registered", "expected"),
    [
        ("legacy", "disabled", SHARED, "model-elsewhere"),
        ("public", "disabled", SHARED, "model-elsewhere"),
        ("public", "enabled", SHARED, "isolation"),
        ("public", None, SHARED, "isolation"),
        ("legacy", "disabled", "azureml:churn:1", "isolation"),
        ("legacy", "disabled", None, "isolation"),
        ("managed_network", None, SHARED, "isolation"),
        ("managed_network", "disabled", SHARED, "egress-flag"),
    ],
)
def test_a_shared_registry_is_out_of_reach_with_egress_closed(
    make_plan: MakePlan, mode: str, egress: str | None, registered: str | None, expected: str
) -> None:
    plan = make_plan(egress=egress)
    model = m.Model(name="churn", registered=registered)
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=model))
    (found,) = network_flags.check(plan, a_workspace(mode))
    assert found.id == expected


@pytest.mark.parametrize(
    ("workspace", "endpoint", "endpoints", "told", "expected"),
    [
        ("Enabled", "enabled", {}, True, None),
        ("Enabled", "disabled", {}, True, "warning"),
        ("DISABLED", "enabled", {}, True, "warning"),
        ("Enabled", "disabled", {}, False, None),
        ("Enabled", "enabled", {"pe": "Pending"}, True, "warning"),
        ("Enabled", "disabled", {"pe": "Pending"}, True, "blocker"),
        ("Disabled", "enabled", {"pe": "Pending"}, False, "blocker"),
        ("Disabled", "enabled", {"pe": ""}, True, "warning"),  # a state that is not told waits for nobody
        ("Enabled", "enabled", {"pe": "Approved"}, True, "ok"),
    ],
)
def test_who_needs_a_private_endpoint(
    make_plan: MakePlan, workspace: str, endpoint: str, endpoints: dict[str, str], told: bool, expected: str | None
) -> None:
    plan = make_plan()
    plan = dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, public_network_access=endpoint))
    info = a_workspace(public_network_access=workspace, private_endpoints=endpoints, private_endpoints_told=told)
    assert [one.severity for one in private_endpoints.approvals(plan, info)] == ([expected] if expected else [])


def test_approved_endpoints_are_listed_and_the_command_lists_those_that_wait(make_plan: MakePlan) -> None:
    (found,) = private_endpoints.approvals(make_plan(), a_workspace(private_endpoints={"a": "Approved", "b": ""}))
    assert " a," in found.message and " b" not in found.message
    waiting = a_workspace(private_endpoints={"a": "Approved", "b": "Pending", "c": "Rejected"})
    (found,) = private_endpoints.approvals(make_plan(), waiting)
    assert "private-endpoint-connection list" in found.commands[0] and "c is Rejected" in found.message
    assert found.commands[1].endswith("/privateEndpointConnections/CONNECTION"), "Azure names it after its own id"
