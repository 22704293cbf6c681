"""From what was read of an endpoint to its findings, without any service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from endpoint_snapshots import change, deployment, snapshot, workspace

from tui.checks.finding import Finding, wrong
from tui.checks.troubleshoot.diagnose import _once, diagnose, facts
from tui.checks.troubleshoot.snapshot import Log, Snapshot, Unseen
from tui.cloud.errors import CloudError
from tui.cloud.monitor.log_analytics import Diagnostics
from tui.cloud.monitor.metrics import Answers, Hour
from tui.helper.questions.troubleshoot import recognise
from tui.plan.model import Credential, Deployment, Endpoint, Model, Plan, Workspace

DOCUMENTED = Path(__file__).parents[2] / "remedies" / "texts" / "documented.yml"
TEXTS = yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8"))


def plan(**credential: Any) -> Plan:
    return Plan(
        workspace=Workspace("s", "rg", "ws"),
        credential=Credential(**credential),
        endpoint=Endpoint(name="churn"),
        deployment=Deployment(name="blue", model=Model(name="m")),
    )


def diagnosed(seen: Snapshot, **credential: Any) -> list[Finding]:
    return diagnose(plan(**credential), seen, recognise)


def only(seen: Snapshot, id: str, **credential: Any) -> Finding:
    found = [one for one in diagnosed(seen, **credential) if one.id == id]
    assert len(found) == 1, [(one.id, one.message) for one in diagnosed(seen, **credential)]
    return found[0]


def test_nothing_is_wrong_with_what_is_in_order() -> None:
    found = diagnosed(snapshot())
    assert [one.id for one in found] == ["healthy"]
    assert not wrong(found)


def test_no_traffic_is_mended_by_giving_it_to_who_is_ready() -> None:
    found = only(snapshot(deployment(), deployment("green", "Failed"), traffic={}), "traffic-zero")
    assert found.severity == "blocker"
    assert [dict(fix.arguments) for fix in found.fixes] == [{"shares": {"blue": 100}}]
    assert "new   blue 100 %" in "\n".join(found.fixes[0].preview)


def test_traffic_to_a_failed_deployment_goes_to_another_one() -> None:
    found = only(snapshot(deployment("green", "Failed"), deployment(), traffic={"green": 100}), "traffic-broken")
    assert dict(found.fixes[0].arguments) == {"shares": {"blue": 100}}
    assert found.severity == "blocker"


def test_the_way_back_is_offered_where_the_endpoint_remembers_one() -> None:
    tags = {"aml-deploy-traffic-before": "blue=90,red=10"}
    both = (deployment("green", "Failed"), deployment(), deployment("red"))
    found = only(snapshot(*both, traffic={"green": 100}, tags=tags), "traffic-broken")
    assert "rollback" in [fix.action for fix in found.fixes]
    gone = only(snapshot(*both[:2], traffic={"green": 100}, tags=tags), "traffic-broken")
    assert "rollback" not in [fix.action for fix in gone.fixes], "red is not there any more"


def test_an_endpoint_without_deployments() -> None:
    seen = snapshot()
    assert seen.endpoint is not None
    seen.endpoint.deployments.clear()
    assert only(seen, "no-deployment").severity == "blocker"


def test_a_failed_deployment_is_explained_by_log_and_history() -> None:
    log = "Invoking user's init function\nModuleNotFoundError: No module named 'lightgbm'\nazmlinfsrv"
    failure = change("Failed", what="deployments/green", code="ResourceNotReady", message="User container has crashed",
                     raw='{"error": {"code": "ResourceNotReady"}}', correlation_id="c-1")  # fmt: skip
    seen = snapshot(
        deployment(), deployment("green", "Failed"), changes=[failure], logs=[Log("green", "inference-server", log)]
    )
    found = only(seen, "deployment-failed")
    assert found.card == "package-missing"
    assert found.severity == "warning", "it has no requests"
    assert "ann" in found.message
    assert found.request_ids[0] == "c-1"
    assert [fix.action for fix in found.fixes] == ["remove_deployment"]
    assert not [one for one in diagnosed(seen) if one.id == "change-failed"], "said once"


def test_a_deployment_with_requests_is_never_offered_for_removal() -> None:
    found = only(snapshot(deployment("blue", "Failed")), "deployment-failed")
    assert "remove_deployment" not in [fix.action for fix in found.fixes]
    assert found.severity == "blocker"


def test_probes_that_are_too_short_get_more_time() -> None:
    log = next(case["text"] for case in TEXTS if case["id"] == "probe-too-short")
    failure = change("Failed", code="ResourceNotReady", raw=log)
    found = only(snapshot(deployment("blue", "Failed"), changes=[failure]), "deployment-failed")
    assert found.card == "probe-too-short"
    assert found.fixes[0].action == "raise_probe_delay"
    assert found.fixes[0].arguments["seconds"] >= 300


def minutes(*numbers: float, at: int = 0) -> tuple[tuple[str, float], ...]:
    return tuple((f"2026-11-23T10:{at + place:02}Z", number) for place, number in enumerate(numbers))


def answered(status: str, deployment: str = "blue", number: float = 10, at: int = 0) -> Hour:
    bad = Answers(deployment, status, number, minutes(number, at=at))
    good = Answers(deployment, "200", 5, minutes(5, at=at))
    return Hour("", "", [bad, good] if deployment else [bad])


@pytest.mark.parametrize(
    ("status", "deployment", "actions"),
    [
        ("401", "", ["write_key"]),
        ("404", "", []),
        ("408", "blue", ["raise_timeout"]),
        ("424", "blue", []),
        ("429", "blue", ["scale"]),
        ("500", "", []),
    ],
)
def test_what_callers_got_in_the_last_hour(status: str, deployment: str, actions: list[str]) -> None:
    found = only(snapshot(hour=answered(status, deployment)), f"answers-{status}")
    assert found.severity == "blocker"
    assert [fix.action for fix in found.fixes] == actions
    assert found.remedy


def test_what_was_before_the_last_change_is_over() -> None:
    written = change("Succeeded", time="2026-11-23T10:30:12Z")
    assert not wrong(diagnosed(snapshot(hour=answered("429", at=10), changes=[written])))
    assert wrong(diagnosed(snapshot(hour=answered("429", at=31), changes=[written])))


def test_a_few_bad_answers_are_a_warning() -> None:
    hour = Hour("", "", [Answers("blue", "424", 2, minutes(2)), Answers("blue", "200", 100, minutes(100))])
    assert only(snapshot(hour=hour), "answers-424").severity == "warning"


def test_renewed_keys_are_named_beside_401() -> None:
    action = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/regenerateKeys/action"
    renewed = change("Succeeded", what="", action=action)
    found = only(snapshot(hour=answered("401", ""), changes=[renewed]), "answers-401")
    assert "ann" in found.cause


def test_a_test_call_that_fails_in_the_model_offers_the_other_deployment() -> None:
    headers = {"ms-azureml-model-error-statuscode": "500"}
    call = {"route": "routed by the traffic", "pinned": None, "status_code": 424, "ok": False, "note": "",
            "body": "boom", "latency_ms": 3.0, "deployment": "blue", "headers": headers}  # fmt: skip
    found = only(
        snapshot(deployment(), deployment("green"), tests=[call, {**call, "route": "pinned to blue"}]), "test-424"
    )
    assert dict(found.fixes[0].arguments) == {"shares": {"green": 100}}


def hop(**more: Any) -> dict[str, Any]:
    return {
        "name": "scoring", "title": "The scoring host", "purpose": "answers requests",
        "host": "churn.eastus.inference.ml.azure.com", "needed": True,
        "addresses": ["20.42.0.7"], "cnames": [], "private": False, "expected": "private", "state": "wrong_address",
        "detail": "It resolves to the public address 20.42.0.7.", "remedy": "Link the zone.", "command": "az network …",
        **more,
    }  # fmt: skip


def test_a_name_that_leads_to_a_public_address() -> None:
    found = only(snapshot(connectivity={"hops": [hop()]}), "reach-scoring")
    assert found.severity == "blocker"
    assert found.card == "endpoint-dns"
    assert "20.42.0.7" in found.request
    assert "az network" in found.request


@pytest.mark.parametrize("state", ["reachable", "unknown", "not_tried"])
def test_a_host_that_is_reached_or_not_known_is_nothing_wrong(state: str) -> None:
    assert not wrong(diagnosed(snapshot(connectivity={"hops": [hop(state=state)]})))


def test_legacy_mode_is_a_request_to_somebody_else() -> None:
    found = only(snapshot(workspace=workspace(v1_legacy_mode=True)), "v1-legacy-mode")
    assert found.card == "v1-legacy"
    assert not found.fixes
    assert "v1LegacyMode" in found.request


def test_a_managed_network_that_is_not_active() -> None:
    network = {"isolation_mode": "AllowInternetOutbound", "status": "Inactive"}
    found = only(snapshot(workspace=workspace(isolation="managed_network", managed_network=network)), "managed-network")
    assert [fix.action for fix in found.fixes] == ["provision_network"]
    assert "Inactive → Active" in found.fixes[0].preview[0]


def test_a_private_endpoint_that_waits_can_be_approved() -> None:
    waits = {"name": "c-1", "private_endpoint": "pe-1", "status": "Pending", "description": ""}
    found = only(snapshot(workspace=workspace(), connections=[waits]), "private-endpoint-pending")
    assert dict(found.fixes[0].arguments) == {"connection": "c-1"}


def test_a_refused_change_for_want_of_quota_offers_room() -> None:
    raw = next(case["text"] for case in TEXTS if case["id"] == "quota")
    failure = change("Failed", what="deployments/new", code="BadRequest", raw=raw, message=raw)
    seen = snapshot(deployment(instance_count=4), deployment("old"), changes=[failure])
    found = only(seen, "change-failed")
    assert found.card == "quota"
    assert [fix.action for fix in found.fixes] == ["remove_deployment", "scale"]
    made_good = change("Succeeded", what="deployments/new", time="2026-11-23T11:00:00Z")
    seen.changes = [made_good, failure]
    assert not [one for one in diagnosed(seen) if one.id == "change-failed"]


def test_latency_close_to_the_time_out() -> None:
    hour = Hour("", "", latency={"blue": {"p95_ms": 4600.0}})
    found = only(snapshot(hour=hour), "latency-close")
    assert found.fixes[0].action == "raise_timeout"


def test_processors_without_rest() -> None:
    found = only(
        snapshot(hour=Hour("", "", load={"blue": {"cpu_percent": 97.0, "memory_percent": 20.0}})), "load-processors"
    )
    assert found.fixes[0].action == "scale"


def test_logs_that_are_not_kept_are_advice() -> None:
    found = diagnosed(snapshot(diagnostics=Diagnostics()))
    assert not wrong(found)
    assert "logs-not-kept" in [one.id for one in found if one.advice]


def test_a_reader_is_told_what_it_may_not_see() -> None:
    refused = Unseen(
        "The containers' logs", "Not allowed.", "Ask for AzureML Data Scientist.", "az role …", refused=True
    )
    found = diagnosed(snapshot(unseen=[refused, Unseen("The last hour's metrics", "No answer.")]))
    assert not wrong(found)
    assert [one.severity for one in found if one.id.startswith("unseen")] == ["unknown", "unknown"]
    assert "operator cannot read everything: the containers' logs" in next(
        one.message for one in found if one.id == "unseen-roles"
    )


def test_an_expired_secret_asks_for_a_new_one() -> None:
    failure = CloudError(
        "Signing in failed", "AADSTS7000222: The provided client secret keys are expired.", raw="AADSTS7000222"
    )
    seen = Snapshot("churn", failure=failure)
    (found,) = diagnosed(seen, method="service_principal", tenant_id="t", client_id="c")
    assert found.card == "secret-expired"
    assert found.fixes[0].asks == "credential.client_secret"
    assert not diagnosed(seen)[0].fixes, "nobody types the secret of a managed identity"


def test_the_worst_comes_first() -> None:
    seen = snapshot(deployment(), deployment("green", "Failed"), traffic={}, diagnostics=Diagnostics(),
                 unseen=[Unseen("x", "y")])  # fmt: skip
    order = {"blocker": 0, "warning": 1, "unknown": 2, "ok": 3}
    severities = [order[one.severity] for one in diagnosed(seen)]
    assert severities == sorted(severities)
    assert severities[0] == 0


def test_findings_are_plain_data() -> None:
    import json

    found = only(snapshot(deployment(), deployment("green"), traffic={}), "traffic-zero").as_report()
    assert json.loads(json.dumps(found)) == found
    assert {"id", "severity", "field", "message", "remedy", "docs"} <= found.keys()
    assert found["fix"]["action"] == "set_traffic"
    assert found["fix"]["preview"]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (("warning", "c", "blue"), ("warning", "c", "blue"), 1),
        (("blocker", "c", "blue"), ("unknown", "c", "blue"), 1),
        (("warning", "c", "blue"), ("blocker", "c", "blue"), 2),
        (("warning", "c", "blue"), ("warning", "c", "red"), 2),
        (("warning", "c", "blue"), ("warning", "d", "blue"), 2),
        (("warning", "", "blue"), ("warning", "", "blue"), 2),
    ],
)
def test_what_was_said_of_a_deployment_is_not_repeated(
    first: tuple[str, str, str], second: tuple[str, str, str], kept: int
) -> None:
    told = [Finding("x", severity, card=card, deployment=name) for severity, card, name in (first, second)]
    assert _once(told) == told[:kept]


@pytest.mark.parametrize(
    ("ready", "calls", "said", "unsaid"),
    [
        (1, 0, ["blue is ready"], ["test call"]),
        (2, 1, ["blue, d1 are ready", "1 test call succeeded"], []),
        (1, 2, ["2 test calls succeeded"], []),
    ],
)
def test_what_was_checked_is_told_if_nothing_is_wrong(
    ready: int, calls: int, said: list[str], unsaid: list[str]
) -> None:
    names = ["blue", *(f"d{number}" for number in range(1, ready))]
    found = only(
        snapshot(*map(deployment, names), traffic=dict.fromkeys(names, 50), tests=[{"ok": True}] * calls), "healthy"
    )
    assert [text for text in said if text not in found.message] == []
    assert [text for text in unsaid if text in found.message] == []
    assert "last hour" in found.message
    assert "last hour" not in only(snapshot(hour=None), "healthy").message


@pytest.mark.parametrize(
    ("signed_in", "method", "id", "field", "asks"),
    [
        (False, "service_principal", "sign-in", "credential.client_secret", True),
        (False, "managed_identity", "sign-in", "credential.method", False),
        (True, "service_principal", "endpoint-unread", "credential.method", False),
        (True, "managed_identity", "endpoint-unread", "credential.method", False),
    ],
)
def test_an_endpoint_that_cannot_be_read(signed_in: bool, method: str, id: str, field: str, asks: bool) -> None:
    failure = CloudError("No answer.", "cause", raw="\n".join(["", *map(str, range(25))]), request_ids=["r"])
    seen = Snapshot("churn", failure=failure, who=snapshot().who if signed_in else None)
    (found,) = diagnose(plan(method=method), seen, lambda *_: None)
    assert (found.id, found.severity, found.field, bool(found.fixes)) == (id, "blocker", field, asks)
    assert found.evidence == tuple(map(str, range(20)))


def test_an_endpoint_that_is_not_there() -> None:
    found = diagnosed(Snapshot("churn", unseen=[Unseen("The workspace", "No answer.")]))
    assert [(one.id, one.severity) for one in found] == [("endpoint-missing", "blocker"), ("unseen", "unknown")]


def test_missing_roles_are_one_request_with_each_command_once() -> None:
    unseen = [
        Unseen(what, "Refused.", "", command, refused=True) for what, command in (("A", "x"), ("B", "x"), ("C", ""))
    ]
    found = only(snapshot(unseen=unseen), "unseen-roles")
    assert (found.commands, found.request, len(found.evidence)) == (("x",), "x", 3)
    assert found.remedy and found.message.startswith("operator ")
    assert only(snapshot(unseen=unseen, who=None), "unseen-roles").message.startswith("This identity ")


@pytest.mark.parametrize("code", ["c", None])
def test_facts_leave_out_what_is_not_known(code: str | None) -> None:
    seen = snapshot(workspace=workspace())
    found = facts(plan(), seen, deployment(code=code))
    assert (found["has_code"], found["isolation"], found["auth_mode"]) == (code is not None, "legacy", "key")
    assert "egress" not in found and "client_id" not in found
    assert facts(plan(), seen, deployment(egress_public_network_access="disabled"))["egress"] == "disabled"
    assert not {"deployment", "auth_mode", "isolation"} & facts(plan(), Snapshot("churn")).keys()
