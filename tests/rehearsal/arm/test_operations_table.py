"""The table of operations is complete and true: it names every path, and the tests that drive it."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import tui.rehearsal
from tui.rehearsal.server import _routes, application

HERE = Path(__file__).parents[1]
TABLE = Path(tui.rehearsal.__file__).with_name("SOURCES.md")
_ML = "/providers/Microsoft.MachineLearningServices"
# What each client's tests are made with.
FIXTURES = {"sdk": {"ml_client", "credential"}, "mgmt": {"mgmt"}, "http": set()}


def _rows() -> list[list[str]]:
    text = TABLE.read_text(encoding="utf-8").partition("## Operations")[2].partition("## Rules")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [row for row in rows if row[0] != "operation"]


def _written_out(path: str) -> str:
    short = {"S": "/subscriptions/{subscription}", "G": "/subscriptions/{subscription}/resourceGroups/{group}"}
    short["P"] = short["S"] + _ML
    short["R"] = short["P"] + "/locations/{location}"
    short["W"] = f"{short['G']}{_ML}/workspaces/{{workspace}}"
    head, slash, rest = path.partition("/")
    return short[head] + slash + rest if head in short else path


def _listed() -> set[tuple[str, str]]:
    found = set()
    for row in _rows():
        for item in re.findall(r"`([^`]+)`", row[1]):
            method, _, path = item.partition(" ")
            found.add((method, _written_out(path)))
    return found


def _registered() -> set[tuple[str, str]]:
    found = set(_routes())
    nobody: Any = None
    for route in application(nobody).router.routes():
        path = route.resource.canonical if route.resource else ""
        # HEAD comes with GET, and the last path is Resource Manager's own table.
        if route.method != "HEAD" and path != "/{path}":
            found.add((route.method, path))
    return found


def _covers(entry: tuple[str, str], route: tuple[str, str]) -> bool:
    method, path = entry
    if method not in ("*", route[0]):
        return False
    if path.endswith("/…"):
        return f"{route[1]}/".startswith(path[:-1])
    return path == route[1]


def test_every_path_is_in_the_table_and_none_that_is_not_there() -> None:
    listed, registered = _listed(), _registered()
    assert len(registered) > 100
    assert [route for route in registered if not any(_covers(entry, route) for entry in listed)] == []
    assert [entry for entry in listed if not any(_covers(entry, route) for route in registered)] == []


@functools.cache
def _tests(module: str) -> dict[str, set[str]]:
    tree = ast.parse(next(HERE.rglob(f"test_operations_{module}.py")).read_text(encoding="utf-8"))
    return {
        node.name: {argument.arg for argument in node.args.args}
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_row_names_tests_that_exist_and_use_that_client() -> None:
    for operation, _, source, drivers in (row + [""] * (4 - len(row)) for row in _rows()):
        assert source.strip(), operation
        named = re.findall(r"(\w+) `(\w+)::(\w+)`", drivers)
        assert named or operation == "portal", operation
        for client, module, name in named:
            arguments = _tests(module).get(f"test_{name}")
            assert arguments is not None, (operation, module, name)
            assert not FIXTURES[client] or FIXTURES[client] & arguments, (operation, client, name)


def test_every_operation_of_the_management_client_is_driven_or_refused() -> None:
    """All groups that concern online endpoints: each public method is called somewhere in these tests."""
    import inspect

    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

    nobody: Any = object()
    client = MachineLearningServicesMgmtClient(nobody, "subscription")
    text = "\n".join(path.read_text(encoding="utf-8") for path in HERE.rglob("test_operations_*.py"))
    # Shorter names that the tests give to groups.
    text = re.sub(r"(?<![\w.])(endpoints|deployments)\.", r"mgmt.online_\1.", text)
    refused = {
        f"{group}.{name}"
        for group, names in re.findall(r'^    "(\w+)": \(?\s*((?:"[^"]*"\s*)+)', text, re.MULTILINE)
        for name in re.sub(r'"\s*"', "", names).strip('"\n ').split()
    }
    groups = (
        "workspaces datastores model_containers model_versions code_containers code_versions environment_containers "
        "environment_versions data_containers data_versions online_endpoints online_deployments usages quotas "
        "virtual_machine_sizes operations "
        "private_endpoint_connections private_link_resources compute workspace_features"
    )
    missing = [
        f"{group}.{name}"
        for group in groups.split()
        for name, _ in inspect.getmembers(getattr(client, group), inspect.ismethod)
        if not name.startswith("_")
        and not re.search(rf"\bmgmt\.{group}\.{name}[(,]", text)
        and f"{group}.{name}" not in refused
    ]
    assert missing == []
