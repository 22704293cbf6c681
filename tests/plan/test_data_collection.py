"""The collections of a data collector: what is valid, what is sent, and the one-line form."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan import data_collection as collecting
from tui.plan.data_collection import Collection
from tui.plan.fields.all_fields import BY_KEY

ON: dict[str, Any] = {"enabled": "True"}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": ON}, None),
        ({"a": {"enabled": True}, "b": {"enabled": "false"}}, None),
        ({"a" * 63: ON}, None),
        ({"a": {**ON, "data": None}}, None),
        ({"a": {**ON, "data": "azureml:d:1"}}, None),
        ({"a": {**ON, "data": "${env:DATA}"}}, None),
        ({"a": {**ON, "data": {}}}, None),
        ({"a": {**ON, "data": {"name": "d", "version": 1, "path": "azureml://x"}}}, None),
        ({"a": {**ON, "data": {"name": "d" * 255, "version": None, "path": ""}}}, None),
        ({"a": {**ON, "data": {"name": "${env:N}", "path": "${env:P}/x"}}}, None),
        ({}, ""),
        (None, ""),
        (["a"], ""),
        ({"a" * 64: ON}, "a" * 64),
        ({"1a": ON}, "1a"),
        ({"a-b": ON}, "a-b"),
        ({"a": "True"}, "a"),
        ({"a": None}, "a"),
        ({"a": {}}, "a.enabled"),
        ({"a": {"enabled": "on"}}, "a.enabled"),
        ({"a": {"enabled": 1}}, "a.enabled"),
        ({"a": {**ON, "rate": 1}}, "a.rate"),
        ({"a": ON, "b": {"enabled": None}}, "b.enabled"),
        ({"a": {**ON, "data": "d:1"}}, "a.data"),
        ({"a": {**ON, "data": ["d"]}}, "a.data"),
        ({"a": {**ON, "data": {"other": 1}}}, "a.data.other"),
        ({"a": {**ON, "data": {"name": "d" * 256}}}, "a.data.name"),
        ({"a": {**ON, "data": {"version": "1 2"}}}, "a.data.version"),
        ({"a": {**ON, "data": {"name": "d", "version": ""}}}, "a.data.version"),
        ({"a": {**ON, "data": {"path": "/tmp"}}}, "a.data.path"),
    ],
)
def test_the_first_wrong_key_is_named(value: Any, place: str | None) -> None:
    found = collecting.problem(value)
    assert (found[0] if found else None) == place
    field = BY_KEY["deployment.data_collector.collections"]
    assert value is None or field.check(value) == (found[1] if found else None)


def test_what_is_collected_goes_to_its_asset_or_to_the_default_one() -> None:
    tree = {
        "on": {"enabled": "True", "data": {"name": "d", "version": 2, "path": None}},
        "off": {"enabled": False, "data": "azureml:x:7"},
        "plain": {"enabled": "true", "data": {}},
    }
    made = collecting.collections(tree)
    assert made == {"on": Collection(True, "d", "2"), "off": Collection(False, "x", "7"), "plain": Collection()}
    assert collecting.asset(made["on"], "e", "b", "on")[:2] == ("d", "2")
    assert collecting.asset(Collection(path="azureml://p"), "e", "b", "n") == ("e-b-n", "1", "azureml://p")


def test_a_tree_for_az_keeps_what_is_wrong_for_its_problem() -> None:
    assert collecting.as_az({"a": "odd", "b": {"enabled": "no"}}) == {"a": "odd", "b": {"enabled": "False"}}
    assert collecting.as_az({"a": {**ON, "data": "azureml:d:1"}}) == {
        "a": {"enabled": "True", "data": {"name": "d", "version": "1"}}
    }


@pytest.mark.parametrize(
    ("typed", "tree"),
    [
        ("a", {"a": ON}),
        ("a=true, b=FALSE", {"a": ON, "b": {"enabled": "False"}}),
        ("a=d", {"a": {**ON, "data": {"name": "d"}}}),
        ("a=!d:2", {"a": {"enabled": "False", "data": {"name": "d", "version": "2"}}}),
        ("a=@azureml://p", {"a": {**ON, "data": {"path": "azureml://p"}}}),
        ("a=${env:DATA}", {"a": {**ON, "data": "${env:DATA}"}}),
        ("a=${env:N}:2", {"a": {**ON, "data": {"name": "${env:N}", "version": "2"}}}),
        (
            "a=d:${env:V}@azureml://p",
            {"a": {**ON, "data": {"name": "d", "version": "${env:V}", "path": "azureml://p"}}},
        ),
        ("a=azureml:d:1", {"a": {**ON, "data": "azureml:d:1"}}),
        ("a=!azureml:d:1", {"a": {"enabled": "False", "data": "azureml:d:1"}}),
    ],
)
def test_the_one_line_form(typed: str, tree: dict[str, Any]) -> None:
    assert collecting.parse(typed) == tree
    assert collecting.parse(collecting.show(tree)) == tree


@pytest.mark.parametrize("typed", ["", "a,", "=true", "a=", "a, =b"])
def test_what_is_no_such_line_stays_as_typed(typed: str) -> None:
    assert collecting.parse(typed) == typed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("odd", "odd"),
        ({"a": ON, "b": {"enabled": False}}, "a, b=false"),
        ({"a": "odd"}, "a=odd"),
        ({"a": {"enabled": "sure"}}, "a"),
        ({"a": {**ON, "data": {"name": "d", "version": 0, "path": "p"}}}, "a=d:0@p"),
        ({"a": {**ON, "data": {"version": None, "path": ""}}}, "a="),
        ({"a": {"enabled": "False", "data": "azureml:d:1"}}, "a=!azureml:d:1"),
    ],
)
def test_what_a_form_shows(value: Any, shown: str) -> None:
    assert collecting.show(value) == shown


def test_all_texts_of_a_tree() -> None:
    assert list(collecting.texts({"a": "x", "b": ["y", {"c": ("z", 1)}], "d": None})) == ["x", "y", "z"]
    assert list(collecting.texts("x")) == ["x"] and list(collecting.texts(7)) == []
