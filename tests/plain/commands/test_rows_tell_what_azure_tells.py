"""`aml-deploy endpoints --json` against plain reads of the same Azure: each cell, for all kinds of endpoints.

The kinds are those of a rehearsal's fleet, and what runs leave behind: deployed, failed, killed, removed, never made.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import COMMAND, PRESET, aml_deploy, json_lines, lonely_environment

from tests.conftest import ROOT
from tests.rehearsal.arm_client import Arm
from tui.helper.fleet_report import HEALTH
from tui.plan.presets import find

NUMBER = 50
RUN_SECONDS = 300
UNREAD = ("risk-archive", "partners")
ENDS = {
    "ubuntu22.04": ("Ubuntu 22.04 support ends", "2027-05-31"),
    "NC6s_v3": ("Standard_NC6s_v3 retires", "2025-09-30"),
}
PROVIDER = "Microsoft.MachineLearningServices"
PRICES = json.loads((ROOT / "tui/plan/data/prices.json").read_text(encoding="utf-8"))["prices"]
Body = dict[str, Any]


class Azure:
    """The rehearsal by plain requests, as somebody would who knows nothing of the command."""

    def __init__(self, environ: dict[str, str], told: Body) -> None:
        self.environ, self.told = environ, told
        self.arm = Arm({**environ, **told["set"]}, told["url"])
        self.names = {one["subscriptionId"]: one["displayName"] for one in self.get("/subscriptions")}
        self.rules: Body = {}
        self.log: list[Body] = []
        since = datetime.now(timezone.utc) - timedelta(days=89, hours=23)
        for one in self.names:
            insights = f"/subscriptions/{one}/providers/Microsoft.Insights"
            for rule in self.get(f"{insights}/autoscaleSettings"):
                self.rules[rule["properties"]["targetResourceUri"].lower()] = rule
            chosen = f"eventTimestamp ge '{since:%Y-%m-%dT%H:%M:%SZ}' and resourceProvider eq '{PROVIDER}'"
            self.log += self.get(f"{insights}/eventtypes/management/values", **{"$filter": chosen})

    def get(self, path: str, **query: str) -> list[Body]:
        """The items of a list, all pages."""
        found: list[Body] = []
        url, asked = f"{self.arm.origin}{path}", {"api-version": "2024-04-01", **query}
        while url:
            answer = self.arm.session.get(url, params=asked, timeout=60)
            assert answer.status_code == 200, answer.text
            body, asked = answer.json(), {}
            found += body["value"]
            url = body.get("nextLink") or ""
        return found

    def endpoints(self) -> dict[str, Body]:
        workspaces = [
            one["id"]
            for subscription in self.names
            for one in self.get(f"/subscriptions/{subscription}/providers/{PROVIDER}/workspaces")
            if one["name"] not in UNREAD
        ]
        return {one["id"]: one for each in workspaces for one in self.get(f"{each}/onlineEndpoints")}

    def log_of(self, endpoint: str, *actions: str) -> list[tuple[str, str]]:
        """Time and caller of these actions that succeeded on an endpoint and what is below it, oldest first."""
        return sorted(
            (one["eventTimestamp"][:19] + "Z", one["caller"])
            for one in self.log
            if f"{one['resourceId']}/".lower().startswith(f"{endpoint}/".lower())
            and one["status"]["value"] == "Succeeded"
            and one["operationName"]["value"].endswith(actions)
        )

    def measured(self, endpoint: str, metric: str, split: str, span: str) -> list[tuple[dict[str, str], list[float]]]:
        answer = self.arm.session.get(
            f"{self.arm.origin}{endpoint}/providers/Microsoft.Insights/metrics",
            params={
                "api-version": "2018-01-01", "metricnames": metric, "aggregation": "average", "interval": "PT1M",
                "$filter": split, "top": "100", "timespan": span,
            },
            timeout=60,
        ).json()  # fmt: skip
        return [
            (
                {item["name"]["value"].lower(): item["value"] for item in one["metadatavalues"]},
                [point["average"] for point in one["data"] if point.get("average") is not None],
            )
            for one in answer["value"][0]["timeseries"]
        ]


def asset(text: str | None) -> str:
    name, _, version = (text or "").rpartition("/versions/")
    return f"{name.rpartition('/')[2]}:{version}" if name else text or ""


def expected(azure: Azure, found: Body, read_at: str) -> Body:
    """The row's cells, from plain reads; the last hour is that of whole minutes."""
    identity, properties = found["id"], found["properties"]
    _, subscription, _, group, _, _, _, workspace, *_ = identity.strip("/").split("/")
    below = azure.get(f"{identity}/deployments")
    end = datetime.fromisoformat(f"{read_at[:16]}:00+00:00")
    span = f"{end - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}"
    requests = azure.measured(identity, "RequestsPerMinute", "deployment eq '*' and statusCode eq '*'", span)
    slow = azure.measured(identity, "RequestLatency_P95", "deployment eq '*'", span)
    deployments, ends = [], set()
    for one in below:
        own, count = one["properties"], one["sku"]["capacity"]
        size, rule = own["instanceType"], azure.rules.get(one["id"].lower())
        price = PRICES.get(size, {}).get(found["location"])
        counted = [(names, sum(values)) for names, values in requests if names["deployment"] == one["name"]]
        counted = [(names, number) for names, number in counted if names["statuscode"] not in ("401", "403")]
        p95 = [max(values) for names, values in slow if names["deployment"] == one["name"] and values]
        limits = rule and rule["properties"]["profiles"][0]["capacity"]
        deployments.append({
            "name": one["name"], "state": own["provisioningState"], "model": asset(own["model"]),
            "environment": asset(own["environmentId"]), "instance_type": size, "instances": count,
            "autoscale": rule and {
                "name": rule["name"], "minimum": int(limits["minimum"]), "maximum": int(limits["maximum"]),
            },
            "price_per_hour": None if price is None else pytest.approx(price * count),
            "traffic": properties["traffic"].get(one["name"], 0),
            "mirror_traffic": properties["mirrorTraffic"].get(one["name"], 0),
            "requests": round(sum(number for _, number in counted)),
            "errors": round(sum(number for names, number in counted if names["statuscode"][0] != "2")),
            "p95_ms": max(p95, default=None), "timeout_ms": 5000,
            "changed_at": one["systemData"]["lastModifiedAt"][:19] + "Z",
            "changed_by": one["systemData"]["lastModifiedBy"],
        })  # fmt: skip
        image = azure.arm.call("GET", own["environmentId"]).json()["properties"]
        ends |= {end for word, end in ENDS.items() if word in f"{size} {image['image']}"}
    tags = next((one["tags"] for one in (found, *below) if "aml-deploy-plan" in one["tags"]), found["tags"])
    changes, stamps = azure.log_of(identity, "/write", "/delete"), [one["systemData"] for one in (found, *below)]
    told = [(one["lastModifiedAt"][:19] + "Z", one["lastModifiedBy"]) for one in stamps] + changes[-1:]
    renewed = [(found["systemData"]["createdAt"], ""), *azure.log_of(identity, "/regenerateKeys/action")][-1][0]
    old = datetime.now(timezone.utc) - datetime.fromisoformat(f"{renewed[:19]}+00:00")
    limit = (date.today() + timedelta(days=183)).isoformat()
    costs = [one["price_per_hour"] for one in deployments]
    return {
        "id": identity, "endpoint": found["name"], "workspace": workspace, "resource_group": group,
        "workspace_id": identity.partition("/onlineEndpoints/")[0], "subscription": subscription,
        "subscription_name": azure.names[subscription], "location": found["location"],
        "state": properties["provisioningState"], "deployments": deployments, "traffic": properties["traffic"],
        "mirror_traffic": properties["mirrorTraffic"], "instances": sum(one["instances"] for one in deployments),
        "requests": sum(one["requests"] for one in deployments), "errors": sum(one["errors"] for one in deployments),
        "p95_ms": max((one["p95_ms"] for one in deployments if one["p95_ms"]), default=None),
        "cost_per_hour": None if None in costs else pytest.approx(sum(one.expected for one in costs)),
        "key_age_days": old.days if properties["authMode"] == "Key" and old < timedelta(days=90) else None,
        "changed_at": max(told)[0], "changed_by": {by for at, by in told if at == max(told)[0]},
        "auth_mode": words(properties["authMode"]),
        "made_by": f"aml-deploy {tags['aml-deploy']}" if "aml-deploy" in tags else "",
        "plan": tags.get("aml-deploy-plan", ""), "run": tags.get("aml-deploy-run", ""),
        "drift": drift(azure, tags, below, changes),
        "ends": [{"what": what, "date": day} for what, day in sorted(ends, key=lambda one: one[1]) if day <= limit],
        "public_network_access": properties["publicNetworkAccess"].lower(), "scoring_uri": properties["scoringUri"],
        "endpoint_kind": found["kind"] or "Managed", "health": health(properties, deployments),
    }  # fmt: skip


def words(mode: str) -> str:
    return {"key": "key", "amltoken": "aml_token", "aadtoken": "aad_token"}[mode.lower()]


def drift(azure: Azure, tags: dict[str, str], below: list[Body], changes: list[Any]) -> str:
    if "aml-deploy-plan" not in tags:
        return "no plan"
    began = datetime.strptime(tags["aml-deploy-run"][:15], "%Y%m%d-%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
    if len({by for at, by in changes if at >= began}) > 1:
        return "changed"
    ruled = [(one, azure.rules.get(one["id"].lower())) for one in below]
    scaled = [one for one, rule in ruled if rule
              and int(rule["properties"]["profiles"][0]["capacity"]["minimum"]) != one["sku"]["capacity"]]  # fmt: skip
    return "autoscale" if scaled else "none"


def health(properties: Body, deployments: list[Body]) -> str:
    state, served = properties["provisioningState"], {name for name, share in properties["traffic"].items() if share}
    requests, errors = (sum(one[key] for one in deployments) for key in ("requests", "errors"))
    good = {one["name"] for one in deployments if one["state"] in ("Succeeded", "Updating", "Scaling")}
    if state in ("Creating", "Deleting"):
        return "unknown"
    failed = {one["name"] for one in deployments if one["state"] in ("Failed", "Canceled")}
    if state == "Failed" or served & failed or served - {one["name"] for one in deployments}:
        return "failing"
    if served and not served & good:
        return "failing"
    if requests >= 5 and errors >= requests / 2:
        return "failing"
    share = errors / requests if requests else 0
    slow = [one for one in deployments if (one["p95_ms"] or 0) > one["timeout_ms"]]
    if failed or slow or (requests >= 100 and share >= 0.01) or (requests >= 20 and share >= 0.05):
        return "degraded"
    return "healthy" if requests else "idle"


def plan_of(folder: Path, name: str) -> Path:
    preset = find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), folder / PRESET, dirs_exist_ok=True)
    tree = yaml.safe_load(preset.path.read_text(encoding="utf-8"))
    tree["endpoint"]["name"] = name
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def killed(plan: Path, environ: dict[str, str]) -> None:
    """Apply a plan, and kill the run while Azure makes its deployment."""
    command = [*COMMAND, "apply", str(plan), "--rehearse", "--yes", "--json"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "task_operation" and event["task"] == "deployment":
                folder = Path(environ["AML_DEPLOY_HOME"]) / "runs" / event["run"]
                os.kill(json.loads((folder / "engine.json").read_text(encoding="utf-8"))["pid"], signal.SIGKILL)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """A rehearsal with a fleet, in which runs succeeded, failed, were killed, and were removed again."""
    folder = tmp_path_factory.mktemp("rows")
    environ = lonely_environment(folder)
    made = aml_deploy("rehearsal", "--env", "--json", "--fleet", NUMBER, environ=environ)
    assert made.returncode == 0, made.stderr

    def apply(name: str) -> int:
        plan = plan_of(folder, name)
        return aml_deploy("apply", plan, "--rehearse", "--yes", environ=environ, timeout=RUN_SECONDS).returncode

    assert apply("run-succeeded") == apply("run-removed") == 0
    plan = folder / "run-removed.yml"
    assert aml_deploy("remove", plan, "--rehearse", "--yes", environ=environ).returncode == 0
    killed(plan_of(folder, "run-killed"), environ)
    aml_deploy("rehearsal", "--scenario", "container-crash", environ=environ)
    assert apply("run-failed") != 0
    aml_deploy("rehearsal", "--clear-scenarios", environ=environ)
    yield Azure(environ, json.loads(made.stdout))
    aml_deploy("rehearsal", "--stop", environ=environ)


def rows_of(azure: Azure) -> dict[str, Body]:
    done = aml_deploy("endpoints", "--rehearse", "--json", environ=azure.environ)
    assert done.returncode == 0, done.stderr
    return {one["id"]: one for one in json_lines(done.stdout) if one["endpoint"]}


def test_each_cell_of_each_row_is_what_plain_reads_say(azure: Azure) -> None:
    rows, there = rows_of(azure), azure.endpoints()
    assert {key for key, row in rows.items() if row["workspace"] not in UNREAD} == set(there)
    names = {one["name"] for one in there.values()}
    assert {"run-succeeded", "run-killed", "run-failed"} <= names and "run-removed" not in names
    for identity, found in there.items():
        row, wanted = rows[identity], expected(azure, found, rows[identity]["read_at"])
        told = {key: row[key] for key in wanted}
        told["ends"] = [{"what": one["what"], "date": one["date"]} for one in row["ends"]]
        assert told.pop("changed_by") in wanted.pop("changed_by")
        assert told == wanted, (found["name"], row["reason"])
        assert {key for key, value in row.items() if value is None} == set(row["why"])
    assert {row["health"] for row in rows.values()} == set(HEALTH)
    assert {row["drift"] for row in rows.values()} == {"none", "changed", "autoscale", "no plan"}


def test_a_change_by_hand_soon_after_the_run_by_the_same_identity_is_told(azure: Azure) -> None:
    (endpoint,) = [one for one in azure.endpoints().values() if one["name"] == "run-succeeded"]
    blue = f"{endpoint['id']}/deployments/blue"
    patched = azure.arm.call("PATCH", blue, {"sku": {"name": "Default", "capacity": 2}})
    assert patched.status_code in (200, 202), patched.text
    deadline = time.monotonic() + 90
    while (now := azure.arm.call("GET", blue).json()["properties"])["provisioningState"] != "Succeeded":
        assert time.monotonic() < deadline, now
    row = rows_of(azure)[endpoint["id"]]
    assert len({by for _, by in Azure(azure.environ, azure.told).log_of(endpoint["id"], "/write")}) == 1
    assert (row["drift"], row["instances"]) == ("changed", 2) and "changed blue" in row["drift_reason"]
