"""The SDK's entities of a plan: which arguments are given, and which are left to Azure's defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.plan import sdk_entities as entities
from tui.plan.data_collection import Collection, DataCollector
from tui.plan.endpoint_identity import Identity
from tui.plan.model import Deployment, Endpoint, Environment, Model, Plan
from tui.plan.sdk_entities import Entity, Tree

ID = "/subscriptions/s/i"


def test_values_of_a_tree_and_what_is_set() -> None:
    tree = Tree({"a": {"b": 0, "c": "", "d": {}, "e": [], "f": False}, "g": "text"})
    assert tree.value("a.b") == 0 == tree.written("a.b") and tree.written("a.f") is False
    assert [tree.value(f"a.{key}") for key in "cde"] == ["", {}, []]
    assert [tree.written(f"a.{key}") for key in "cde"] == [None] * 3
    assert tree.value("g.x") is None and tree.value("a.x.y") is None


def test_a_plan_gives_its_values() -> None:
    collector = DataCollector({"a": Collection(True, "d", None, "p")}, capture_headers=("h",))
    plan = Plan(endpoint=Endpoint("e", identity=Identity("user_assigned", (ID,))),
                deployment=Deployment("blue", data_collector=collector))  # fmt: skip
    tree = entities.of_plan(plan)
    assert tree.value("endpoint.identity.user_assigned_identities") == (ID,)
    assert tree.value("deployment.data_collector.collections.a") == {
        "enabled": True,
        "data": {"name": "d", "path": "p"},
    }
    assert tree.value("deployment.data_collector.request_logging.capture_headers") == ("h",)
    assert entities.of_plan(Plan()).value("deployment.data_collector") is None


@pytest.mark.parametrize(
    ("kind", "users", "expected"),
    [
        (None, [ID], None),
        ("", (), None),
        ("system_assigned", [ID], {"type": "system_assigned"}),
        ("user_assigned", [ID], {"type": "user_assigned", "user_assigned_identities": [{"resource_id": ID}]}),
        ("user_assigned", None, {"type": "user_assigned"}),
        ("${env:KIND}", ID, {"type": "${env:KIND}", "user_assigned_identities": [{"resource_id": ID}]}),
    ],
)
def test_an_identity(kind: Any, users: Any, expected: Any) -> None:
    made = entities.identity(kind, users)
    assert (made and made.tree()) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, None),
        ({}, None),
        ({"type": ""}, None),
        ({"type": "SystemAssigned", "userAssignedIdentities": None}, {"type": "system_assigned"}),
        ({"type": "UserAssigned", "userAssignedIdentities": {ID: {}}},
         {"type": "user_assigned", "user_assigned_identities": [{"resource_id": ID}]}),
    ],
)  # fmt: skip
def test_the_identity_of_a_resource(found: Any, expected: Any) -> None:
    made = entities.identity_of(found)
    assert (made and made.tree()) == expected


def test_an_endpoint_and_what_overrides_it() -> None:
    plan = Plan(endpoint=Endpoint("e", tags={"a": "b"}, description=""))
    tree = entities.endpoint(entities.of_plan(plan), name="other").tree()
    assert tree == {"name": "other", "auth_mode": "key", "public_network_access": "disabled", "tags": {"a": "b"}}


@pytest.mark.parametrize(("version", "written"), [(3, "3"), ("7", "7"), (None, None), ("", None)])
def test_a_model(version: Any, written: Any) -> None:
    values = Tree({"deployment": {"model": {"name": "m", "type": "custom_model", "version": version}}})
    made = entities.model(values, "/m").tree()
    assert made.get("version") == written and made["path"] == "/m" and "tags" not in made


@pytest.mark.parametrize(
    ("image", "conda", "context", "expected"),
    [
        (None, None, None, None),
        ("", None, None, None),
        ("i", None, None, {"name": "e", "image": "i"}),
        (None, "c", None, {"name": "e", "conda_file": "c"}),
        (None, None, "b", {"name": "e", "build": {"path": "b"}}),
    ],
)
def test_an_environment(image: Any, conda: Any, context: Any, expected: Any) -> None:
    made = entities.environment(Tree({"deployment": {"environment": {"image": image}}}), "e", conda, context)
    assert (made and made.tree()) == expected


def deployment(tree: dict[str, Any], **given: Any) -> dict[str, Any]:
    values = Tree({"endpoint": {"name": "e"}, "deployment": {"name": "blue", **tree}})
    return entities.deployment(values, **{"model": None, "environment": None, "code": None, **given}).tree()


def test_a_deployment_of_little_leaves_the_rest_to_azure() -> None:
    assert deployment({}) == {"name": "blue", "endpoint_name": "e"}
    empty: dict[str, Any] = {"tags": {}, "description": "", "environment_variables": {}, "instance_count": 0}
    assert deployment(empty) == {"name": "blue", "endpoint_name": "e", "instance_count": 0}


def test_a_deployment_with_code_variables_and_groups() -> None:
    tree = {
        "code_configuration": {"scoring_script": "s.py"},
        "environment_variables": {"A": 1},
        "app_insights_enabled": False,
        "request_settings": {"request_timeout_ms": 5},
        "liveness_probe": {"period": 0},
        "readiness_probe": {"period": None},
    }
    made = deployment(tree, model="m", environment="e", code="c", tags={"x": "y"})
    assert made["code_configuration"] == {"code": "c", "scoring_script": "s.py"}
    assert (made["environment_variables"], made["app_insights_enabled"], made["tags"]) == (
        {"A": "1"},
        False,
        {"x": "y"},
    )
    assert (made["request_settings"], made["liveness_probe"]) == ({"request_timeout_ms": 5}, {"period": 0})
    assert "readiness_probe" not in made and (made["model"], made["environment"]) == ("m", "e")
    assert "code_configuration" not in deployment(tree)


@pytest.mark.parametrize(
    ("collector", "expected"),
    [
        ({}, None),
        ({"sampling_rate": 0.5}, None),
        ({"collections": {"a": {"enabled": True}}},
         {"collections": {"a": {"enabled": "true"}}, "sampling_rate": 1.0, "rolling_rate": "hour"}),
        ({"collections": {"a": {"enabled": "False", "data": {"name": "d", "version": 2}}}, "sampling_rate": 0,
          "rolling_rate": "Day", "request_logging": {"capture_headers": ["h"]}},
         {"collections": {"a": {"enabled": "false", "data": {"name": "d", "version": "2"}}}, "sampling_rate": 0,
          "rolling_rate": "day", "request_logging": {"capture_headers": ["h"]}}),
        ({"collections": {"a": {"enabled": True}}, "rolling_rate": "${env:RATE}",
          "request_logging": {"capture_headers": "h, i"}},
         {"collections": {"a": {"enabled": "true"}}, "sampling_rate": 1.0, "rolling_rate": "${env:RATE}",
          "request_logging": {"capture_headers": ["h", "i"]}}),
    ],
)  # fmt: skip
def test_a_data_collector(collector: dict[str, Any], expected: Any) -> None:
    assert deployment({"data_collector": collector}).get("data_collector") == expected


def test_the_classes_of_an_entity_are_found_in_maps_and_lists() -> None:
    inner = Entity("Inner", {"x": (1, "y")})
    outer = Entity("Outer", {"a": {"b": [inner]}, "c": Entity("Other", {}), "d": "text"})
    assert list(outer.kinds()) == ["Outer", "Inner", "Other"]
    assert outer.tree() == {"a": {"b": [{"x": [1, "y"]}]}, "c": {}, "d": "text"}


def test_the_plan_of_a_named_deployment() -> None:
    blue, green = Deployment("blue"), Deployment("green", Model("m", Path("/m")), environment=Environment("e"))
    plan = Plan(deployment=green, deployments=(blue, green))
    assert plan.of("blue").deployment == blue and plan.of("other") is plan and plan.of(None) is plan
    assert plan.every_deployment == (blue, green) and Plan(deployment=blue).every_deployment == (blue,)
    assert (
        plan.workspace.id == "/subscriptions//resourceGroups//providers/Microsoft.MachineLearningServices/workspaces/"
    )
