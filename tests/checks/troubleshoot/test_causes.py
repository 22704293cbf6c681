"""Findings in the order of cause and consequence, and their commands with the names that were read."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from endpoint_snapshots import change, deployment, snapshot, workspace

from tui.checks import troubleshoot as diagnosis
from tui.checks.finding import Finding
from tui.checks.troubleshoot import names
from tui.checks.troubleshoot.diagnose import diagnose
from tui.checks.troubleshoot.snapshot import Snapshot, Unseen
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.errors import CloudError
from tui.cloud.monitor.log_analytics import Diagnostics
from tui.cloud.monitor.metrics import Answers, Hour
from tui.common.az_command import to_replace
from tui.helper.questions.troubleshoot import recognise
from tui.plain.commands.endpoint_operations.troubleshoot import report_lines
from tui.plan.model import Credential, Deployment, Endpoint, Model, Plan, Workspace

PLAN = Plan(
    workspace=Workspace("sub-1", "rg-1", "ws-1"),
    credential=Credential(),
    endpoint=Endpoint(name="churn"),
    deployment=Deployment(name="blue", model=Model(name="m")),
)
WHERE = "--subscription sub-1 --resource-group rg-1 --workspace ws-1"
ROLE = "Startup task failed due to authorization error"
TEXTS = [
    case
    for file in sorted((Path(__file__).parents[2] / "remedies" / "texts").glob("*.yml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]
PROVIDERS = "/subscriptions/sub-1/resourceGroups/rg-1/providers"
UNKNOWN = {"PLAN", "ROLE", "LOG_ANALYTICS_WORKSPACE"}
"""Words in capitals that only the reader can know."""


def whole(*deployments: Any, **more: Any) -> Snapshot:
    """A snapshot in which everything is known that Azure tells."""
    seen = snapshot(*deployments, **more)
    seen.workspace = workspace(
        storage_account=f"{PROVIDERS}/Microsoft.Storage/storageAccounts/store1",
        container_registry=f"{PROVIDERS}/Microsoft.ContainerRegistry/registries/reg1",
        key_vault=f"{PROVIDERS}/Microsoft.KeyVault/vaults/vault1",
    )
    seen.who = SignedIn("operator", "user", "tenant-1", "client-1", None, "default", "AzureCli", "object-1")
    if seen.endpoint is not None:
        object.__setattr__(seen.endpoint, "identity", {"type": "SystemAssigned", "principalId": "principal-1"})
    seen.autoscale = [Autoscale("by-load", "blue", True, 1, 3)]
    return seen


def failed(text: str, name: str = "blue", **more: Any) -> Snapshot:
    """A deployment that failed with a text, and callers who get 404."""
    models = {kind: f"/x/{kind}s/{kind}-1/versions/2" for kind in ("model", "environment")}
    hour = Hour("", "", [Answers("", "404", 9, (("2026-11-23T11:00Z", 9.0),))])
    failure = change("Failed", what=f"deployments/{name}", code="BadArgument", raw=text, message=text)
    return whole(deployment(name, "Failed", **models), changes=[failure], hour=hour, **more)


def told(seen: Snapshot) -> list[tuple[str, str]]:
    return [(one.id, one.follows) for one in diagnose(PLAN, seen, recognise)]


def test_a_missing_role_comes_before_the_failed_deployment_and_what_callers_get() -> None:
    seen = failed(ROLE)
    assert told(seen) == [
        ("role-missing", ""),
        ("deployment-failed", "role-missing"),
        ("traffic-broken", "deployment-failed"),
        ("answers-404", "traffic-broken"),
    ]
    role, consequence, *_ = diagnose(PLAN, seen, recognise)
    assert "A role is missing: the endpoint's identity cannot read the model or pull the image" in role.message
    assert consequence.follows_from == role.message
    store = f"{PROVIDERS}/Microsoft.Storage/storageAccounts/store1"
    assert any("--assignee-object-id principal-1 --role" in one and one.endswith(store) for one in role.commands)
    assert any(one.endswith("registries/reg1") for one in role.commands)
    assert role.commands[-1] in role.request


def test_no_traffic_because_no_deployment_is_ready() -> None:
    found = told(failed("OutOfQuota: not enough quota", traffic={}))
    assert found == [
        ("deployment-failed", ""), ("traffic-zero", "deployment-failed"), ("answers-404", "traffic-zero"),
    ]  # fmt: skip
    both = whole(deployment("blue", "Failed"), deployment("green"), traffic={})
    assert ("traffic-zero", "") in told(both), "green could get it"


def test_each_deployments_consequences_are_its_own() -> None:
    seen = whole(deployment("blue", "Failed"), deployment("green", "Failed"), traffic={"green": 100})
    found = diagnose(PLAN, seen, recognise)
    (broken,) = (one for one in found if one.id == "traffic-broken")
    assert "green failed" in broken.follows_from
    assert [one.id for one in found].index("traffic-broken") > 0


def test_unreachable_because_of_the_name_server_and_that_because_of_the_private_endpoint() -> None:
    hop = {
        "name": "scoring", "title": "Endpoint", "host": "churn.eastus.inference.ml.azure.com", "state": "unresolved",
        "expected": "private", "addresses": [], "cnames": [], "needed": True, "detail": "", "remedy": "Link the zone.",
        "command": "", "purpose": "",
    }  # fmt: skip
    call = {"ok": False, "deployment": "blue", "status_code": None, "headers": {}, "body": "", "note": "", "route": "r"}
    pending = {"name": "pe", "private_endpoint": "pe", "status": "Pending", "description": ""}
    seen = whole(connectivity={"hops": [hop]}, tests=[call])
    assert told(seen) == [("reach-scoring", ""), ("test-unanswered", "reach-scoring")]
    seen.connections = [pending]
    assert told(seen)[:2] == [("private-endpoint-pending", ""), ("reach-scoring", "private-endpoint-pending")], (
        "a warning comes first if it is what blocks"
    )


def test_consequences_are_folded_under_their_cause() -> None:
    found = [one.as_report() for one in diagnose(PLAN, failed(ROLE), recognise)]
    lines = report_lines({"name": "churn", "findings": found, "reach": {}})
    text = "\n".join(lines)
    assert "  └ wrong: The deployment blue failed" in text
    assert "    Follows from: A role is missing" in text
    assert text.count("What to do:") == 1, "a consequence needs nothing else"
    assert "    Available fix: " in text


def left(found: list[Finding], seen: Snapshot) -> set[str]:
    """The words in capitals that remain in commands; fails if one of them was known."""
    words: set[str] = set()
    for one in found:
        known = names.known(one, PLAN, seen)
        ours = [line.partition("aml-deploy ")[2] for line in one.remedy.split("\n") if "aml-deploy " in line]
        sentence = to_replace(*one.commands, *ours)
        remaining = (
            set(sentence.removeprefix("Replace ").removesuffix(" in it.").split(", ")) - {""} if sentence else set()
        )
        assert not {word for word in remaining if known.get(word)}, (one.id, one.card, one.commands)
        assert not [text for text in (*one.commands, one.remedy) if " WHERE" in text]
        words |= remaining
    return words


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: str(case["id"]))
def test_no_command_of_a_card_asks_for_what_was_read(case: dict[str, Any]) -> None:
    seen = failed(str(case["text"]))
    found = diagnose(PLAN, seen, recognise)
    assert found
    left(found, seen)


def test_no_command_of_the_others_asks_for_what_was_read() -> None:
    every = {"kept": None, "diagnostics": Diagnostics((), (), ())}
    under_way = whole(deployment("blue", "Updating"), traffic={"blue": 100}, **every)
    gone = whole()
    gone.endpoint = None
    unread = whole()
    unread.endpoint, unread.failure = None, CloudError("Refused", "No role.", "Ask.", code="AuthorizationFailed")
    zero = whole(deployment("blue"), traffic={})
    shown = []
    for seen in (under_way, gone, unread, zero, whole(deployment("blue"), deployment("green"))):
        found = diagnose(PLAN, seen, recognise)
        assert left(found, seen) <= UNKNOWN
        shown += [text for one in found for text in (*one.commands, one.remedy)]
    assert f"aml-deploy traffic churn blue=100 {WHERE}" in shown
    assert any(f"aml-deploy troubleshoot churn {WHERE} --watch" in text for text in shown)
    assert any(f"aml-deploy troubleshoot {WHERE}" in text for text in shown)


def test_another_registry_in_the_evidence_is_not_the_workspaces() -> None:
    foreign = Finding("x", "blocker", commands=("az acr show -n REGISTRY", "x --scope REGISTRY-ID"),
                      evidence=("pulling from other.azurecr.io/a",))  # fmt: skip
    found = names.filled_in(foreign, PLAN, whole())
    assert found.commands == ("az acr show -n other", "x --scope REGISTRY-ID")


def made_by_the_code() -> set[str]:
    """The ids of all findings in the package (of `load-…` the beginning), and of those from the checks."""
    found = {"v1-legacy-mode", "managed-network", "reach-"}
    for file in Path(diagnosis.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("Finding", "with_card", "replace"):
                given = [one.value for one in call.keywords if one.arg == "id"]
                given += call.args[:1] if getattr(call.func, "id", "") == "Finding" else []
                texts = [one for each in given for one in ast.walk(each) if isinstance(one, ast.Constant)]
                found |= {str(one.value) for one in texts if re.fullmatch("[a-z0-9-]+", str(one.value))}
    return found - {"unanswered"}


def test_every_finding_that_the_code_can_make_is_filled_in() -> None:
    busy = {"latency": {"blue": {"p95_ms": 4900.0}}, "load": {"blue": {"cpu_percent": 97.0, "memory_percent": 96.0}}}
    call = {"ok": False, "deployment": "blue", "status_code": 424, "headers": {}, "body": "", "note": "", "route": "r"}
    hop = {
        "name": "scoring", "title": "Endpoint", "host": "h", "state": "unresolved", "expected": "private",
        "purpose": "", "addresses": [], "cnames": [], "needed": True, "detail": "", "remedy": "Link it.",
        "command": "az network private-dns zone list --resource-group GROUP",
    }  # fmt: skip
    refused = Unseen("Roles", "refused", "Ask.", "az role assignment create --assignee PRINCIPAL --scope SCOPE", True)
    legacy, closed, waiting = whole(), whole(), whole(unseen=[refused, Unseen("Metrics", "no answer")])
    legacy.workspace = workspace(v1_legacy_mode=True)
    closed.workspace = workspace(isolation="managed_network", managed_network={"status": "Inactive"})
    waiting.connections = [
        {"name": "pe", "private_endpoint": "pe", "status": status, "description": ""}
        for status in ("Pending", "Rejected")
    ]
    alone, refusing, gone = whole(), whole(), whole()
    alone.there.deployments.clear()
    gone.endpoint = None
    signed_out, refusing.endpoint = whole(), None
    refusing.failure = CloudError("Refused", "No role.", "Ask.", code="AuthorizationFailed")
    signed_out.who, signed_out.failure = None, CloudError("No sign-in", "The secret expired.", "Renew it.", code="X")
    states = [whole(), whole()]
    for seen, state in zip(states, ("Failed", "Updating")):
        object.__setattr__(seen.endpoint, "provisioning_state", state)
    every = [
        legacy, closed, waiting, alone, gone, signed_out, refusing, *states, whole(), failed(ROLE),
        failed("x", traffic={}), whole(deployment("blue", "Updating"), diagnostics=Diagnostics((), (), ())),
        whole(deployment("blue"), deployment("green")), whole(changes=[change("Failed", what="")]),
        whole(tests=[call], connectivity={"hops": [hop]}, hour=Hour("", "", [Answers("blue", "500", 9, ())], **busy)),
    ]  # fmt: skip
    shown = set()
    for seen in every:
        found = diagnose(PLAN, seen, recognise)
        assert left(found, seen) <= UNKNOWN, [(one.id, one.commands, one.remedy) for one in found]
        shown |= {one.id for one in found}
        of = {one.message: at for at, one in enumerate(found)}
        assert all(of[one.follows_from] < at for at, one in enumerate(found) if one.follows), "the cause comes first"
    missing = {id for id in made_by_the_code() if not any(one.startswith(id) for one in shown)}
    assert not missing
