"""Which questions the preflight asks for each step, and what follows from each answer; Azure is not asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest
from plan_files import MakePlan
from test_cloud_checks import ID, a_deployment, a_workspace, an_endpoint, offer

from tui.checks import preflight, steps
from tui.checks.environment import resolution
from tui.checks.finding import Finding
from tui.checks.identity import required_permissions
from tui.checks.model import registered, source
from tui.checks.network import connectivity
from tui.cloud.auth import permissions, sign_in
from tui.cloud.auth.permissions import Permission
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints import endpoint_names, endpoints, scaling
from tui.cloud.endpoints.endpoint_names import NameInRegion
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.errors import CloudError
from tui.cloud.http import hosts
from tui.cloud.workspace import diagnose, limits, sizes, workspace
from tui.cloud.workspace.limits import Usage
from tui.plan import model as m

WHO = SignedIn("trainer", "user", "tenant", "client", None, "default", "AzureCli", "11111111-aaaa")
FAILED = CloudError("It failed", "For a reason", "Do this.", status=500)
REFUSED = CloudError("Refused", "No role", "Ask.", status=403)
YOURS = NameInRegion("churn-endpoint", "eastus2", "yours")
CLOUD: Any = SimpleNamespace(metadata=SimpleNamespace(built_in=True, name="AzureCloud"))


class World:
    """Azure's answers by question, and the questions that were asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.answers: dict[str, Any] = {
            "sign-in": WHO,
            "workspace": a_workspace("managed_network", tenant="tenant"),
            "endpoint": None,
            "store": None,
            "owner": YOURS,
            "usage": Usage(),
            "sizes": [offer(20)],
            "rights": [Permission(("*",))],
            "providers": {required_permissions.PROVIDERS[0]: "Registered"},
            "diagnose": [],
            "storage": "store.example.org",
            "pins": [],
            "hosts": [],
        }

    def answering(self, name: str) -> Callable[..., Any]:
        def answer(*_: Any, **__: Any) -> Any:
            self.asked.add(name)
            found = self.answers[name]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


class NoNetwork:
    """In place of the board of hosts and of what surrounds the workspace."""

    def __init__(self, *_: Any) -> None:
        pass

    def add(self, _: Any) -> None:
        pass

    def add_source(self, _: Any) -> None:
        pass

    def hops(self, _: Any) -> list[Any]:
        return []

    def of(self, _: Any) -> None:
        return None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    for module, function, name in (
        (sign_in, "sign_in", "sign-in"),
        (workspace, "read", "workspace"),
        (endpoints, "read", "endpoint"),
        (hosts, "store", "store"),
        (hosts, "of_cloud", "hosts"),
        (endpoint_names, "elsewhere", "owner"),
        (limits, "usage", "usage"),
        (sizes, "offers", "sizes"),
        (permissions, "granted", "rights"),
        (required_permissions, "providers", "providers"),
        (diagnose, "diagnose", "diagnose"),
        (preflight, "_storage", "storage"),
        (resolution, "check", "pins"),
    ):
        monkeypatch.setattr(module, function, made.answering(name))
    monkeypatch.setattr(connectivity, "Board", NoNetwork)
    monkeypatch.setattr(connectivity, "Around", NoNetwork)
    monkeypatch.setattr(connectivity, "add_workspace", lambda *_: None)
    return made


def told(found: list[Finding]) -> dict[str, str]:
    return {finding.id: finding.severity for finding in found}


ALWAYS = {"sign-in", "workspace", "endpoint"}


@pytest.mark.parametrize(
    ("step", "asked", "found"),
    [
        ("credentials", {"store", "rights", "providers", "hosts"}, {"sign-in": "ok", "roles": "ok"}),
        (
            "workspace",
            {"store", "rights", "providers", "hosts", "diagnose", "storage"},
            {"workspace": "ok", "roles": "ok", "storage": "ok", "diagnose": "ok"},
        ),
        ("endpoint", {"owner", "usage"}, {"endpoint": "ok"}),
        ("model", {"pins"}, {}),
        ("compute", {"usage", "sizes"}, {"size": "ok", "quota": "ok", "room": "ok"}),
        ("network", {"owner", "usage"}, {"isolation": "ok"}),
    ],
)
def test_a_step_asks_what_it_needs(
    world: World, make_plan: MakePlan, step: str, asked: set[str], found: dict[str, str]
) -> None:
    findings = told(preflight.of_step(make_plan(), CLOUD, step, limit=60))
    assert world.asked == ALWAYS | asked
    assert found.items() <= findings.items()
    assert not {"blocker", "warning"} & set(findings.values())


def test_everything_is_asked_at_once_and_diagnostics_only_if_wanted(world: World, make_plan: MakePlan) -> None:
    preflight.run(make_plan(), CLOUD, limit=60)
    assert world.asked == set(world.answers) - {"diagnose"}
    preflight.run(make_plan(), CLOUD, limit=60, with_diagnose=True)
    assert world.asked == set(world.answers)


def run(plan: m.Plan, *parts: str) -> dict[str, str]:
    """The findings of some parts of the preflight."""
    return told(preflight.Preflight(plan, CLOUD, 60, False, frozenset(parts)).findings())


def test_without_a_name_nothing_is_asked_about_the_endpoint(world: World, make_plan: MakePlan) -> None:
    plan = make_plan()
    run(dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, name="")), "names")
    assert world.asked == {"sign-in", "workspace", "usage"}


@pytest.mark.parametrize("failed", ["sign-in", "workspace"])
@pytest.mark.parametrize(("error", "severity"), [(REFUSED, "blocker"), (FAILED, "unknown")])
def test_without_a_workspace_only_the_plan_is_checked(
    world: World, make_plan: MakePlan, failed: str, error: CloudError, severity: str
) -> None:
    world.answers[failed] = error
    found = run(make_plan(), *steps.ALL)
    assert found[failed] == severity
    assert failed == "workspace" or found["workspace"] == "unknown", "not known because of the sign-in"
    assert found["size"] == "ok" and found["conda"] == "ok"
    assert not {"endpoint", "quota", "room", "roles", "isolation"} & set(found)
    assert "size" not in run(make_plan(), "names")


def test_who_and_workspace_are_known_afterwards(world: World, make_plan: MakePlan) -> None:
    done = preflight.Preflight(make_plan(), CLOUD, 60, False, frozenset({"names"}))
    done.findings()
    assert (done.who, done.workspace) == (WHO, world.answers["workspace"])
    world.answers["sign-in"] = REFUSED
    done = preflight.Preflight(make_plan(), CLOUD, 60, False, frozenset({"names"}))
    done.findings()
    assert (done.who, done.workspace) == (None, None)


TAKEN = NameInRegion("churn-endpoint", "eastus2", "taken", "other", "group", "/id")


@pytest.mark.parametrize(
    ("endpoint", "owner", "expected"),
    [
        (None, YOURS, {"endpoint": "ok"}),
        (None, TAKEN, {"endpoint-taken": "blocker"}),
        (None, FAILED, {"endpoint": "ok"}),  # optional
        (an_endpoint(public_network_access="disabled"), TAKEN, {"endpoint": "ok"}),
        (an_endpoint(auth_mode="aad_token"), YOURS, {"endpoint-auth-mode": "blocker"}),
        (FAILED, TAKEN, {"endpoint": "unknown"}),
    ],
)
def test_the_name_of_the_endpoint(
    world: World, make_plan: MakePlan, endpoint: Any, owner: Any, expected: dict[str, str]
) -> None:
    world.answers.update(endpoint=endpoint, owner=owner)
    found = preflight.of_step(make_plan(), CLOUD, "endpoint", limit=60)
    about_name = {id: one for id, one in told(found).items() if id.startswith("endpoint") and id != "endpoints-left"}
    network = preflight.of_step(make_plan(), CLOUD, "network", limit=60)
    about_name.update((id, one) for id, one in told(network).items() if id.startswith("endpoint-auth"))
    assert about_name == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, {"size": "ok", "quota": "ok", "room": "ok"}),
        ({"sizes": REFUSED}, {"size": "ok", "quota": "unknown", "room": "ok"}),
        ({"usage": REFUSED}, {"size": "ok", "quota": "ok", "room": "unknown"}),
        ({"sizes": [offer(7, False)]}, {"size": "ok", "quota": "blocker", "room": "ok"}),
        ({"sizes": [offer(0, False)], "endpoint": an_endpoint()}, {"size": "ok", "quota": "ok", "room": "ok"}),
    ],
)
def test_capacity(world: World, make_plan: MakePlan, answers: dict[str, Any], expected: dict[str, str]) -> None:
    world.answers.update(answers)
    assert told(preflight.of_step(make_plan(), CLOUD, "compute", limit=60)) == expected


def test_deployments_are_counted_together(world: World, make_plan: MakePlan) -> None:
    plan = make_plan()
    many = tuple(dataclasses.replace(plan.deployment, name=name) for name in ("blue", "green"))
    plan = dataclasses.replace(plan, deployments=many)
    world.answers["sizes"] = [offer(15)]
    assert run(plan, "capacity")["quota-together"] == "blocker"
    world.answers["sizes"] = [offer(16)]
    assert "quota-together" not in run(plan, "capacity")


@pytest.mark.parametrize(
    ("code", "local", "uploads"), [(True, True, True), (True, False, True), (False, True, True), (False, False, False)]
)
def test_storage_is_tried_where_something_is_uploaded(
    world: World, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, code: bool, local: bool, uploads: bool
) -> None:
    monkeypatch.setattr(registered, "asked", lambda *_: {})
    plan = make_plan(code=code)
    if not local:
        model = m.Model(name="x", registered="azureml:x:1")
        plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=model))
    assert ("storage" in run(plan, "reach")) is uploads
    world.asked.clear()
    run(plan, "names")
    assert "storage" not in world.asked


@pytest.mark.parametrize(("error", "severity"), [(None, "ok"), (REFUSED, "blocker"), (FAILED, "unknown")])
def test_storage_that_refuses_blocks(world: World, make_plan: MakePlan, error: Any, severity: str) -> None:
    world.answers["storage"] = error or "store.example.org"
    assert run(make_plan(), "reach")["storage"] == severity


def test_the_same_problem_of_two_files_of_packages_is_told_once(world: World, make_plan: MakePlan) -> None:
    plan = make_plan()
    many = tuple(dataclasses.replace(plan.deployment, name=name) for name in ("blue", "green"))
    world.answers["pins"] = [Finding("pins", "warning", message="One."), Finding("pins", "warning", message="Two.")]
    both = preflight.Preflight(dataclasses.replace(plan, deployments=many), CLOUD, 60, False, frozenset({"elsewhere"}))
    assert [one.message for one in both.findings() if one.id == "pins"] == ["One.", "Two."]
    world.answers["pins"] = FAILED  # the index is asked only for advice
    assert "pins" not in run(plan, "elsewhere")


def test_a_models_source_is_read_if_it_has_one(
    world: World, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding("model-source", "ok", "deployment.model.path")]
    monkeypatch.setattr(source, "held", world.answering("hosts"))
    monkeypatch.setattr(source, "findings", lambda *_: found)
    plan = make_plan()
    assert "model-source" not in run(plan, "elsewhere")
    model = dataclasses.replace(plan.deployment.model, path=None, source="models:/catalog.schema.name/1")
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=model))
    assert run(plan, "elsewhere")["model-source"] == "ok"
    assert "model-source" not in run(plan, "names")


def test_another_tenant_is_a_warning(world: World, make_plan: MakePlan) -> None:
    world.answers["workspace"] = a_workspace("managed_network", tenant="other", id=ID)
    assert run(make_plan(), "names")["tenant"] == "warning"


def test_without_time_nothing_is_known_and_nothing_blocks(world: World, make_plan: MakePlan) -> None:
    findings = preflight.run(make_plan(), CLOUD, limit=0)
    found = told(findings)
    assert (found["sign-in"], found["workspace"]) == ("unknown", "unknown")
    assert "blocker" not in found.values()
    assert "No answer within 0 seconds." in next(one.message for one in findings if one.id == "sign-in")


@pytest.mark.parametrize(
    ("environment", "builds"),
    [
        (m.Environment(image="image:1"), False),
        (m.Environment(registered="azureml:env:1"), False),
        (m.Environment(conda_file=Path("conda.yml"), image="image:1"), True),
        (m.Environment(build=m.BuildContext(Path("context"))), True),
    ],
)
def test_a_registry_is_missed_where_an_image_is_built(
    world: World, make_plan: MakePlan, environment: m.Environment, builds: bool
) -> None:
    plan = make_plan()
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))
    assert ("registry" in run(plan, "names")) is builds


@pytest.mark.parametrize(("mode", "expected"), [("legacy", ["blocker"]), ("managed_network", [])])
def test_the_network_of_a_model_without_code_is_judged_by_the_workspace(
    world: World, make_plan: MakePlan, mode: str, expected: list[str]
) -> None:
    world.answers["workspace"] = a_workspace(mode, tenant="tenant")
    plan = make_plan(model_type="mlflow_model", code=False, egress="disabled")
    found = preflight.Preflight(plan, CLOUD, 60, False, frozenset({"files"})).findings()
    assert [one.severity for one in found if one.id == "mlflow-network"] == expected
    assert {"conda", "model", "sample-request"} <= set(told(found)), "the rest of the files is still reported"


def test_the_rule_that_keeps_another_count_is_read_and_said(
    world: World, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.answers["endpoint"] = an_endpoint(deployments=[a_deployment(instance_count=7)])
    rules: list[Any] = [[Autoscale("by-load", "BLUE", True, 1, 9)]]
    monkeypatch.setattr(scaling, "autoscale", lambda cloud, at: rules[0])
    assert run(make_plan(), "capacity")["autoscale"] == "ok"

    def refuse(*_: Any) -> Any:
        raise REFUSED

    monkeypatch.setattr(scaling, "autoscale", refuse)
    assert run(make_plan(), "capacity")["autoscale"] == "unknown"
