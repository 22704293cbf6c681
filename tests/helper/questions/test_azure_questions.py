"""What the questions of a form ask of Azure's readers, and what they answer when something is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.checks.finding import BLOCKER, Finding
from tui.cloud.auth import secrets
from tui.cloud.errors import CloudError
from tui.cloud.workspace.listing import Item, Listing
from tui.helper.questions import checks, cost, endpoint_operations, files, references, workspace


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection that leads nowhere, with a plan."""
    plan = SimpleNamespace(
        endpoint=SimpleNamespace(name="churn", public_network_access="disabled"),
        deployment=SimpleNamespace(name="blue", instance_type="Standard_DS3_v2", instance_count=2),
        deployments=(),
    )
    made = SimpleNamespace(plan=plan, metadata=SimpleNamespace(built_in=False))
    monkeypatch.setattr("tui.helper.sessions.cloud_of", lambda plan: made)
    return made


# The workspace and its endpoints


@dataclass
class Told:
    """What a workspace reports."""

    private_endpoints_told: bool = False
    private_endpoints: dict[str, str] = field(default_factory=lambda: {"its own": "Approved"})


@pytest.mark.parametrize(
    ("told", "shown", "reason"),
    [(True, {"its own": "Approved"}, ""), (False, {"listed": "Pending"}, "Not all.")],
)
def test_private_endpoints_are_listed_only_if_the_workspace_does_not_tell_them(
    told: bool, shown: dict[str, str], reason: str, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.cloud.workspace.workspace.read", lambda cloud: Told(told))
    listed = Listing([Item("id", "listed", "Pending")], "Not all.")
    monkeypatch.setattr("tui.cloud.workspace.listing.private_endpoints", lambda cloud: listed)
    found = workspace.workspace({})
    assert (found["private_endpoints"], found["private_endpoints_reason"]) == (shown, reason)


@pytest.mark.parametrize(("named", "asked"), [(None, "churn"), ("", "churn"), ("other", "other")])
def test_the_endpoint_is_the_named_one_or_the_plans(
    named: str | None, asked: str, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.cloud.endpoints.endpoint_names.look", lambda cloud, name: name)
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: {"name": name})
    assert workspace.endpoint_name({}, named) == asked
    monkeypatch.setattr("tui.helper.dispatch.plain", lambda found: found)
    assert workspace.endpoint({}, named) == {"exists": True, "name": asked}


@pytest.mark.parametrize("name", ["churn", ""])
def test_an_endpoint_that_is_not_there(name: str, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: asked.append(name))
    cloud.plan.endpoint.name = name
    assert workspace.endpoint({}) == {"exists": False, "name": name, "deployments": [], "traffic": {}}
    assert asked == [name] * bool(name), "Azure is not asked for an endpoint without a name"


@pytest.mark.parametrize(
    ("access", "isolation", "private", "managed"),
    [
        ("disabled", "managed_network", True, True),
        ("enabled", "legacy", False, False),
        ("disabled", "public", True, False),
        ("all", "managed_network", False, True),
    ],
)
def test_the_cost_counts_what_the_network_costs(
    access: str, isolation: str, private: bool, managed: bool, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = SimpleNamespace(location="eastus", isolation=isolation)
    monkeypatch.setattr("tui.cloud.workspace.workspace.read", lambda cloud: place)
    cloud.plan.endpoint.public_network_access = access
    extras = cost.cost({})["extras"]
    assert any("Private endpoints" in extra for extra in extras) is private
    assert any("Azure Firewall" in extra for extra in extras) is managed
    assert cost.cost({})["hour"] is not None


def test_the_log_is_that_of_the_inference_server_of_the_plans_deployment(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.cloud.endpoints.deployments.logs", lambda cloud, *arguments: arguments)
    assert endpoint_operations.logs({}) == {"content": ("churn", "blue", "inference-server", 200)}
    given = endpoint_operations.logs({}, "green", 5, "storage-initializer")
    assert given == {"content": ("churn", "green", "storage-initializer", 5)}


def test_one_call_sends_the_text_as_it_is(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(
        "tui.cloud.endpoints.endpoints.existing", lambda cloud, name, deployments=True: asked.append(deployments)
    )
    monkeypatch.setattr("tui.cloud.endpoints.scoring.score", lambda cloud, found, body, deployment: (body, deployment))
    assert endpoint_operations.score({}, "ü", "blue") == ("ü".encode(), "blue")
    assert asked == [False], "its deployments are not needed and cost a request"


# Files of a folder


@pytest.mark.parametrize(("fresh", "options"), [(None, {}), (True, {"fresh": True})])
def test_the_files_of_the_named_folder_or_the_plans_model_are_counted(
    fresh: bool | None, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.checks.model.file_count.running", lambda path, fresh: (path, fresh))
    plan = {"document": {"deployment": {"model": {"path": "model"}}}, "base": "/base"}
    assert files.count_files(plan, **options) == (Path("/base/model"), bool(fresh))
    assert files.count_files(plan, "/other", **options) == (Path("/other"), bool(fresh))


def test_a_plan_without_a_model_has_no_files_to_count() -> None:
    found = files.count_files({"document": {}})
    assert (found["ended"], found["complete"], found["files"], found["seconds"]) == (True, True, 0, 0.0)


# Checks, and secrets that cannot be read


@pytest.mark.parametrize(("deployments", "diagnosed"), [((), True), (("blue", "green"), False)])
def test_the_preflight_diagnoses_the_workspace_for_one_deployment(
    deployments: tuple[str, ...], diagnosed: bool, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.plan.deployments = deployments
    asked: list[bool] = []

    def run(plan: Any, cloud: Any, with_diagnose: bool) -> list[Finding]:
        asked.append(with_diagnose)
        return [Finding("one", BLOCKER, "endpoint.name", "m", "r")]

    monkeypatch.setattr("tui.checks.preflight.run", run)
    assert [finding["id"] for finding in checks.check({})] == ["one"]
    assert asked == [diagnosed]


def test_a_step_has_its_own_findings(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tui.checks.preflight.of_step", lambda plan, cloud, step: [Finding(step, BLOCKER, "f", "m", "r")]
    )
    assert [finding["id"] for finding in checks.step_findings({}, "network")] == ["network"]


@pytest.mark.parametrize(("source", "at"), [("runs:/1/m", "elsewhere"), (None, "here")])
def test_a_model_is_inspected_where_it_is(source: str | None, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.checks.model.source_model.inspect", lambda plan, cloud: "elsewhere")
    monkeypatch.setattr("tui.checks.model.artifacts.inspect_model", lambda plan: "here")
    model = {"path": source or "/folder"}
    assert checks.inspect_model({"document": {"deployment": {"model": model}}}) == at


def refused(monkeypatch: pytest.MonkeyPatch, code: str | None) -> None:
    def fail(plan: Any) -> Any:
        raise CloudError("The secret x cannot be read", "No role.", "Ask for it.", code=code)

    monkeypatch.setattr("tui.helper.sessions.cloud_of", fail)


@pytest.mark.parametrize("code", [None, "A", "Z", "WorkspaceMissing"])
def test_only_an_unread_secret_becomes_a_finding(code: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, code)
    with pytest.raises(CloudError):
        checks.check({})


@pytest.mark.parametrize(
    ("tested", "fields"),
    [
        ([("${databricks:s/k}", "missing")], ["a"]),
        ([("${databricks:s/k}", "refused"), ("${keyvault:v/n}", "unknown")], ["a", "a"]),
        ([("${databricks:s/k}", "ok"), ("${keyvault:v/n}", "missing")], ["a"]),
        # Variables have findings of their own; if nothing else is wrong, the error itself is told.
        ([("${env:NAME}", "missing")], ["credential.method"]),
        ([("${databricks:s/k}", "ok")], ["credential.method"]),
        ([], ["credential.method"]),
    ],
)
def test_each_secret_that_cannot_be_read_blocks_at_its_first_key(
    tested: list[tuple[str, str]], fields: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(monkeypatch, secrets.UNREAD)
    found = [secrets.Tested(reference, ("a", "b"), state, "why") for reference, state in tested]
    monkeypatch.setattr("tui.cloud.auth.secrets.test", lambda tree, credential: found)
    told = checks.check({})
    assert [(one["id"], one["severity"], one["field"]) for one in told] == [("secret", BLOCKER, at) for at in fields]


def test_the_references_of_a_plan_are_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "x")
    variables = {"A": "${env:THERE}", "B": "${env:NOT_THERE}"}
    found = references.references({"document": {"deployment": {"environment_variables": variables}}})
    assert [(one.reference, one.state) for one in found] == [("${env:THERE}", "ok"), ("${env:NOT_THERE}", "missing")]
    assert references.references({}) == []


# Requests to administrators


@pytest.mark.parametrize("code", ["WorkspaceMissing"])
def test_without_a_workspace_nothing_can_be_requested(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, code)
    with pytest.raises(CloudError):
        checks.requests({})


@pytest.mark.parametrize("code", [None, "A", "Z"])
def test_without_an_identity_that_is_what_is_requested(code: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, code)
    monkeypatch.setattr(
        "tui.checks.requests.administrator_requests.pages",
        lambda plan, found, workspace, who, named: [SimpleNamespace(as_dict=lambda: (found, workspace, who, named))],
    )
    ((found, place, who, named),) = checks.requests({})
    assert [(one.id, one.severity) for one in found] == [("sign-in", BLOCKER)]
    assert (place, who, named) == (None, None, "PLAN")


def test_requests_come_from_a_preflight_with_the_workspaces_own_diagnosis(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Preflight:
        workspace, who = "place", "me"

        def __init__(self, plan: Any, cloud: Any, with_diagnose: bool) -> None:
            asked.append(with_diagnose)

        def findings(self) -> list[str]:
            return ["found"]

    monkeypatch.setattr("tui.checks.preflight.Preflight", Preflight)
    monkeypatch.setattr(
        "tui.checks.requests.administrator_requests.pages",
        lambda plan, *rest: [SimpleNamespace(as_dict=lambda: rest)],
    )
    assert checks.requests({}, "plan.yml") == [(["found"], "place", "me", "plan.yml")]
    assert asked == [True]
