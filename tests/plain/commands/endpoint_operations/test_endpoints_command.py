"""`aml-deploy endpoints`: the fleet of a rehearsal as a table, as JSON, and watched."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from commands import COMMAND, aml_deploy, json_lines, lonely_environment
from rich.cells import cell_len

from tests.rehearsal.arm_client import Arm
from tui.helper import fleet_report as words
from tui.plain.output.fleet_table import Table

NUMBER = 60
SHOP = ("--rehearse", "--workspace", "shop-prod")
WAIT_SECONDS = 120
CELLS = {column.key for column in words.COLUMNS}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment whose rehearsal has a fleet."""
    environ = lonely_environment(tmp_path_factory.mktemp("fleet"))
    made = aml_deploy("rehearsal", "--env", "--fleet", NUMBER, environ=environ)
    assert made.returncode == 0, made.stderr
    yield environ
    aml_deploy("rehearsal", "--stop", environ=environ)


@pytest.fixture(scope="module")
def rows(fleet: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of one workspace, from --json."""
    done = aml_deploy("endpoints", *SHOP, "--json", environ=fleet)
    assert done.returncode == 0, done.stderr
    assert "endpoints in 1 workspace:" in done.stderr
    return json_lines(done.stdout)


def test_each_line_of_json_is_a_complete_row_that_says_why_a_cell_is_unknown(rows: list[dict[str, Any]]) -> None:
    contract = {"workspace", "endpoint", "state", "health", "deployments", "traffic", "cost_per_hour", "findings"}
    assert len(rows) == len({row["id"] for row in rows}) > 10
    for row in rows:
        assert contract | CELLS <= set(row)
        assert row["pending"] == []
        assert row["health"] in words.HEALTH
        unknown = [key for key in CELLS if words.cell(row, key) == words.UNKNOWN]
        assert all(row["why"].get(key) or (key == "health" and row["reason"]) for key in unknown), (unknown, row["why"])
    assert {row["health"] for row in rows} >= {"failing", "degraded", "healthy", "idle"}


def test_the_table_fits_the_terminal_and_says_what_it_leaves_out(
    fleet: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    done = aml_deploy("endpoints", *SHOP, environ={**fleet, "COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    table, _, below = done.stdout.partition("\n\n")
    header, *lines = table.splitlines()
    assert header.split()[:3] == ["Health", "Endpoint", "Workspace"]
    assert sorted(line.split()[1] for line in lines) == sorted(row["endpoint"] for row in rows)
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert {line.split()[0] for line in lines} <= set(words.HEALTH)
    assert "Drift" in below.partition("too narrow:\n")[2].splitlines()[0]
    assert " ".join(done.stdout.split()).endswith(words.headline(rows, [{"state": "read"}]))


def test_a_table_that_is_no_terminals_has_every_column_and_the_reasons(
    fleet: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    environ = {name: value for name, value in fleet.items() if name != "COLUMNS"}
    done = aml_deploy("endpoints", *SHOP, environ=environ)
    header = done.stdout.splitlines()[0]
    assert all(column.title in header for column in words.COLUMNS)
    assert "…" not in done.stdout
    attention = [row for row in words.order(rows) if row["health"] in words.UNHEALTHY]
    told = [f"  {row['endpoint']} (shop-prod) {row['health']}" for row in attention]
    shown = [
        line.partition(": ")
        for line in done.stdout.partition("Needs attention:\n")[2].partition("\n\n")[0].splitlines()
    ]
    assert [name for name, _, _ in shown] == told, "worst first"
    assert all(reason.endswith(".") for _, _, reason in shown), "each with its reason"
    reasons = done.stdout.partition("Unknown:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.strip() for line in reasons] == words.unknowns(rows)
    assert any("(Health): It is being created" in line for line in reasons)


@pytest.mark.parametrize(("option", "accessible"), [("--plain", "0"), ("--readonly", "1")])
def test_what_is_read_aloud_names_every_value_of_an_endpoint(
    option: str, accessible: str, fleet: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    environ = {**fleet, "COLUMNS": "80", "ACCESSIBLE": accessible}
    done = aml_deploy("endpoints", *SHOP, option, environ=environ)
    told = done.stdout.partition("\n\n")[0].splitlines()
    assert sorted(line.split()[1] for line in told) == sorted(f"{row['endpoint']};" for row in rows)
    for line in told:
        assert [part.partition(": ")[0] for part in line.split("; ")] == [
            "Endpoint", *(column.title for column in words.COLUMNS if column.key != "endpoint")
        ]  # fmt: skip
    assert "too narrow" not in done.stdout


def test_columns_are_as_wide_in_cells_as_their_text(
    rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    wide = [{**rows[0], "endpoint": name, "workspace": name} for name in ("a", "機械学習の推論エンドポイント")]
    table = Table(wide)
    for row in wide:
        table.add(row)
    lines = capsys.readouterr().out.splitlines()
    place = cell_len(lines[0].partition("Traffic")[0])
    for line, row in zip(lines[1:], wide):
        assert cell_len(line.partition(words.cell(row, "traffic")[:8])[0]) == place, lines
        assert cell_len(line) <= 120


@pytest.mark.parametrize("key", ["health", "cost_per_hour", "endpoint"])
def test_the_order_by_a_column(rows: list[dict[str, Any]], key: str) -> None:
    found = [row[key] for row in words.order(rows, key)]
    assert len(found) == len(rows)
    if key == "health":
        assert found == sorted(found, key=words.HEALTH.index)
    elif key == "endpoint":
        assert found == sorted(found)
    else:
        known = [cost for cost in found if cost is not None]
        assert found == sorted(known, reverse=True) + [None] * (len(found) - len(known))


@pytest.mark.parametrize("wide", [5, 40])
def test_the_names_of_endpoints_stay_whole_however_narrow_the_terminal(
    fleet: dict[str, str], rows: list[dict[str, Any]], wide: int
) -> None:
    done = aml_deploy("endpoints", *SHOP, environ={**fleet, "COLUMNS": str(wide)})
    table, _, below = done.stdout.partition("\n\n")
    assert sorted(line.split()[1] for line in table.splitlines()[1:]) == sorted(row["endpoint"] for row in rows)
    unhealthy = {row["endpoint"] for row in rows if row["health"] in words.UNHEALTHY}
    assert unhealthy <= set(below.split())


def test_unhealthy_is_an_exit_code_where_it_is_asked_for(fleet: dict[str, str]) -> None:
    fail_on = ("--fail-on", "unhealthy", "--json")
    assert aml_deploy("endpoints", *SHOP, *fail_on, environ=fleet).returncode == 4
    refused = aml_deploy("endpoints", "--rehearse", "--workspace", "partners", *fail_on, environ=fleet)
    assert refused.returncode == 4
    (line,) = [one for one in json_lines(refused.stdout) if one["endpoint"] is None]
    assert (line["workspace"], line["state"], line["health"]) == ("partners", "refused", "unreachable")
    assert line["findings"][0]["message"] == line["reason"]
    assert {key for key, value in line.items() if value is None} == set(line["why"])
    assert "Reader" in line["reason"]
    empty = aml_deploy("endpoints", "--rehearse", "--subscription", "Rehearsal", *fail_on, environ=fleet)
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "0 endpoints in 3 workspaces. Subscriptions: Rehearsal." in empty.stderr
    both = aml_deploy("endpoints", *SHOP, "--watch", *fail_on, environ=fleet)
    assert both.returncode == 2
    assert "Omit one of both" in both.stderr


def test_names_that_do_not_exist_are_told_with_those_that_do(fleet: dict[str, str]) -> None:
    done = aml_deploy("endpoints", "--rehearse", "--subscription", "Contoso", environ=fleet)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sees no subscription contoso" in done.stderr
    assert "Contoso Production (5eed" in done.stderr
    done = aml_deploy("endpoints", *SHOP, "--workspace", "shop-dev", "--json", environ=fleet)
    assert done.returncode == 2
    assert "sees no workspace shop-dev" in done.stderr
    assert "shop-prod, shop-test" in done.stderr


def test_without_a_role_and_without_a_credential(fleet: dict[str, str], lonely: dict[str, str]) -> None:
    try:
        aml_deploy("rehearsal", "--role", "none", environ=fleet)
        none = aml_deploy("endpoints", "--rehearse", "--plain", environ=fleet)
        asked = aml_deploy("endpoints", "--rehearse", "--json", "--fail-on", "unhealthy", environ=fleet)
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=fleet)
    assert none.returncode == 0
    assert (asked.returncode, asked.stdout) == (4, ""), "who sees nothing cannot say that all is well"
    assert "This identity sees no subscription" in none.stdout
    no_sign_in = aml_deploy(
        "endpoints", "--json", environ={**lonely, "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}
    )
    assert (no_sign_in.returncode, no_sign_in.stdout) == (1, "")
    assert "What to do" in no_sign_in.stderr


def test_lists_that_are_refused_are_no_health(fleet: dict[str, str]) -> None:
    try:
        aml_deploy("rehearsal", "--deny", "Microsoft.MachineLearningServices/workspaces/read", environ=fleet)
        done = aml_deploy("endpoints", "--rehearse", "--json", "--fail-on", "unhealthy", environ=fleet)
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=fleet)
    assert (done.returncode, done.stdout) == (4, "")
    assert "are not all known: the role does not allow reading the list" in done.stderr


@pytest.mark.slow
def test_workspaces_that_refuse_or_hang_hold_up_nobody(fleet: dict[str, str]) -> None:
    done = aml_deploy("endpoints", "--rehearse", "--json", environ=fleet)
    assert done.returncode == 0, done.stderr
    lines = json_lines(done.stdout)
    unread = {line["workspace"]: line for line in lines if line["endpoint"] is None}
    assert {name: line["state"] for name, line in unread.items()} == {"partners": "refused", "risk-archive": "silent"}
    silent = lines.index(unread["risk-archive"])
    others = [line for line in lines if line["workspace"] not in unread]
    assert all(lines.index(line) < silent for line in others), "printed before the one that hangs was given up"
    assert {line["workspace"] for line in others} == {"shop-prod", "risk-prod", "shop-test", "forecast"}
    assert "2 workspaces could not be read" in done.stderr
    alone = aml_deploy("endpoints", "--rehearse", "--workspace", "risk-archive", environ=fleet)
    assert "unreachable  " in alone.stdout
    assert "Needs attention" not in alone.stdout, "one cause is told once"
    assert "the workspace risk-archive: " in alone.stdout.partition("Could not be read:\n")[2]


@pytest.mark.slow
def test_watching_tells_what_changed(fleet: dict[str, str], rows: list[dict[str, Any]]) -> None:
    def serving(row: dict[str, Any]) -> bool:
        return len(row["deployments"]) > 1 and {one["state"] for one in row["deployments"]} == {"Succeeded"}

    row = next(row for row in rows if serving(row) and row["state"] == "Succeeded" and not row["mirror_traffic"])
    first, second = (one["name"] for one in row["deployments"][:2])
    watch = [*COMMAND, "endpoints", *SHOP, "--watch", "--every", "5"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": fleet}
    with subprocess.Popen([*watch, "--json"], **pipes) as machine, subprocess.Popen(watch, **pipes) as people:
        killers = [threading.Timer(WAIT_SECONDS, process.kill) for process in (machine, people)]
        for killer in killers:
            killer.start()
        assert machine.stdout is not None
        assert people.stdout is not None
        for process in (machine, people):
            assert process.stderr is not None
            assert any("press Ctrl+C to end" in line for line in process.stderr)
        assert [json.loads(machine.stdout.readline())["pending"] for _ in rows] == [[]] * len(rows)
        split = aml_deploy("traffic", row["id"], f"{first}=55", f"{second}=45", "--rehearse", environ=fleet)
        assert split.returncode == 0, split.stderr
        changed = next(one for line in machine.stdout if (one := json.loads(line))["id"] == row["id"])
        assert changed["traffic"] == {first: 55, second: 45}
        told = next(line for line in people.stdout if f"  {row['endpoint']} (shop-prod): " in line)
        assert f"→ {first} 55 %, {second} 45 %" in told
        aml_deploy("rehearsal", "--role", "none", environ=fleet)
        try:
            assert people.stderr is not None
            assert any("may not list the endpoints of shop-prod" in line for line in people.stderr)
            lost = (one for line in machine.stdout if (one := json.loads(line))["endpoint"])
            assert [next(lost)["health"] for _ in rows] == ["unreachable"] * len(rows)
        finally:
            aml_deploy("rehearsal", "--reset-rights", environ=fleet)
        for process in (machine, people):
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate()
            assert process.returncode == 130
            assert "Traceback" not in errors
        assert "unreachable" not in rest, "a line for the workspace, and none for each of its endpoints"
        for killer in killers:
            killer.cancel()


def test_the_log_of_a_row_is_of_the_deployment_with_most_traffic_and_of_one_instance(
    fleet: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    def log(row: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
        return aml_deploy("logs", row["id"], "--rehearse", "--lines", "2", *options, environ=fleet)

    def row(wanted: Any) -> dict[str, Any]:
        return next(one for one in rows if one["state"] == "Succeeded" and wanted(one))

    def shares(one: dict[str, Any]) -> list[int]:
        return sorted(one["traffic"].get(part["name"], 0) for part in one["deployments"])

    split = row(lambda one: len(one["deployments"]) == 2 and len(set(shares(one))) == 2)
    most = max(split["deployments"], key=lambda one: split["traffic"].get(one["name"], 0))["name"]
    done = log(split, "--json")
    assert done.returncode == 0, done.stderr
    assert {line["deployment"] for line in json_lines(done.stdout)} == {most}
    assert f"The log of {most}, which has most of the traffic" in done.stderr
    none = log(row(lambda one: not one["deployments"]))
    assert none.returncode == 1
    assert "has no deployment, so there is no log" in none.stderr

    many = row(lambda one: one["deployments"] and one["deployments"][0]["instances"] > 1)
    name, instances = (many["deployments"][0][key] for key in ("name", "instances"))
    before = log(many, "--deployment", name)
    assert len(before.stdout.splitlines()) == 2
    assert f"one of {instances} instances, and does not say of which" in before.stderr
    assert "let diagnostic settings send AmlOnlineEndpointConsoleLog" in before.stderr
    described = json.loads(aml_deploy("rehearsal", "--env", "--json", environ=fleet).stdout)
    arm = Arm({**fleet, **described["set"]}, described["set"]["IDENTITY_ENDPOINT"].partition("/msi")[0])
    kept_in = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/all-logs"
    logs = [{"category": "AmlOnlineEndpointConsoleLog", "enabled": True}]
    path = f"{many['id']}/providers/Microsoft.Insights/diagnosticSettings/logs"
    aml_deploy("rehearsal", "--role", "contributor", environ=fleet)
    try:
        assert arm.call("PUT", path, {"properties": {"workspaceId": kept_in, "logs": logs}}).status_code == 200
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=fleet)
    after = log(many, "--deployment", name)
    assert f"In {kept_in}, run:" in after.stderr
    assert f"has '/onlineendpoints/{many['endpoint']}' | where DeploymentName == '{name}'" in after.stderr
    assert "InstanceId" in after.stderr
    aml_deploy("rehearsal", "--deny", "Microsoft.Insights/diagnosticSettings/read", environ=fleet)
    try:
        unseen = log(many, "--deployment", name)
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=fleet)
    assert unseen.returncode == 0
    assert "Whether Log Analytics has the lines of every instance is unknown" in unseen.stderr
