"""The plan as written: values and their sources, several deployments, paths, short forms and order."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.plan.load_save.document import (
    Document,
    denormalise,
    holder,
    is_local_path,
    leaves,
    normalise,
)

TWO = {
    "endpoint": {"name": "e"},
    "deployment": {"instance_count": 2, "tags": {"a": "1"}},
    "deployments": [{"name": "blue"}, {"name": "green", "instance_count": 3, "tags": {"b": "2"}}],
}
COUNT = "deployment.instance_count"


def two(shown: int | None = None) -> Document:
    document = Document(tree=Document(tree=TWO).copy().tree, origin="p.yml")
    document.lines = {"endpoint": ("p.yml", 1), COUNT: ("p.yml", 4), "deployments.1": ("p.yml", 7),
                      "deployments.1.instance_count": ("p.yml", 8)}  # fmt: skip
    document.note_sources()
    document.shown = shown
    return document


@pytest.mark.parametrize(
    ("shown", "name", "count", "tags"),
    [
        (None, None, 2, {"a": "1"}),
        (0, "blue", 2, {"a": "1"}),
        (1, "green", 3, {"a": "1", "b": "2"}),
        (2, None, 2, {"a": "1"}),  # an item that is gone
    ],
)
def test_the_shown_deployment_is_laid_over_the_common_one(shown: Any, name: Any, count: int, tags: Any) -> None:
    document = two(shown)
    assert (document.get("deployment.name"), document.get(COUNT), document.get("deployment.tags")) == (
        name,
        count,
        tags,
    )
    assert document.get("endpoint.name") == "e"
    assert document.tree == TWO


def test_a_value_or_the_default_of_its_field() -> None:
    document = Document(tree={"endpoint": {"name": "e"}})
    assert document.get("endpoint.auth_mode") is None and document.get("endpoint.auth_mode", "x") == "x"
    assert document.get("a.b.c", 7) == 7
    assert document.value("endpoint.auth_mode") == "key" and document.value("no.field") is None
    document.set("deployment.app_insights_enabled", False, "you")
    assert document.get("deployment.app_insights_enabled") is False


@pytest.mark.parametrize(
    ("shown", "key", "source"),
    [
        (None, COUNT, "p.yml, line 4"),
        (0, COUNT, "p.yml, line 4"),
        (1, COUNT, "p.yml, line 8"),
        (1, "deployment.name", "p.yml, line 7"),
        (1, "endpoint.name", "p.yml, line 1"),
        (None, "endpoint.auth_mode", "default"),
        (None, "endpoint.description", "not set"),
        (None, "workspace.name", "default, from $AZURE_ML_WORKSPACE"),
        (None, "no.field", "not set"),
    ],
)
def test_the_source_of_a_value(shown: int | None, key: str, source: str) -> None:
    assert two(shown).source(key) == source


def test_set_writes_into_the_shown_deployment_and_tells_who() -> None:
    document = two(1)
    document.set(COUNT, 9, "you")
    document.set("endpoint.tags", {"x": "y"}, "you")
    assert document.tree["deployments"][1]["instance_count"] == 9 and document.tree["deployment"] == TWO["deployment"]
    assert (document.source(COUNT), document.source("endpoint.tags")) == ("you", "you")
    assert document.where(COUNT) == ("you", None)
    document.set(COUNT, None, "you")
    assert "instance_count" not in document.tree["deployments"][1] and document.get(COUNT) == 2
    assert document.source(COUNT) == "p.yml, line 4", "the common value is shown again"


def test_a_removed_value_is_told_as_left_empty_and_no_map_is_made_for_it() -> None:
    document = two()
    document.set("endpoint.name", None, "you")
    document.set("rollout.pause", None, "you")
    document.set("rollout.pause", "5m", "--set")
    assert document.source("endpoint.name") == "you, left empty" and document.source("rollout.pause") == "--set"
    other = two()
    other.set("rollout.pause", None, "you")
    assert "rollout" not in other.tree and other.source("rollout.pause") == "not set"


@pytest.mark.parametrize("shown", [None, 0])
def test_the_last_value_of_a_map_takes_the_map_with_it_and_others_stay(shown: int | None) -> None:
    document = two(shown)
    before = copy.deepcopy(document.tree)
    for key in ("minimum", "maximum"):
        document.set(f"deployment.autoscale.{key}", 2, "you")
    document.set("deployment.autoscale.minimum", None, "you")
    assert document.get("deployment.autoscale") == {"maximum": 2}
    document.set("deployment.autoscale.maximum", None, "you")
    assert document.tree == before


def test_a_set_value_has_no_old_problem_but_others_have() -> None:
    document = two()
    document.problems = [document.problem(COUNT, "bad"), document.problem("endpoint.name", "bad")]
    document.set(COUNT, 1, "you")
    assert [one.key for one in document.problems] == ["endpoint.name"]


def test_the_place_of_a_key_is_that_of_its_nearest_parent() -> None:
    document = two()
    assert document.where("endpoint.name") == ("p.yml", 1)
    assert document.where("workspace.name") == (None, None)
    document.path = Path("p.yml")
    assert document.where("workspace.name") == ("p.yml", None)


def test_sources_without_lines_are_the_plans_origin() -> None:
    document = two()
    document.note_sources(with_lines=False)
    assert document.source(COUNT) == "p.yml"


def test_each_deployment_has_its_own_document_lines_and_the_problems_once() -> None:
    document = two(1)
    document.problems = [document.problem("endpoint.name", "bad")]
    blue, green = document.each()
    assert (blue.get("deployment.name"), blue.get(COUNT)) == ("blue", 2)
    assert (green.get("deployment.name"), green.get(COUNT)) == ("green", 3)
    assert (green.where(COUNT), green.where("deployment.name")) == (("p.yml", 8), ("p.yml", 7))
    assert blue.where(COUNT) == ("p.yml", 4)
    assert (len(blue.problems), len(green.problems)) == (1, 0)
    alone = Document(tree={"deployment": {}})
    assert alone.each() == [alone]
    eleven = Document(tree={"deployments": [{"name": f"d{number}"} for number in range(11)]})
    eleven.lines = {"deployments.10.name": ("p", 20), "deployments.1.name": ("p", 5)}
    assert eleven.each()[1].lines["deployment.name"] == ("p", 5), "10 is not below 1"


@pytest.mark.parametrize(
    ("shown", "names", "then"),
    [(None, ["blue", "green"], None), (0, ["green", "blue"], 1), (1, ["blue", "green"], 1), (2, ["blue", "green"], 2)],
)
def test_the_shown_deployment_last(shown: Any, names: list[str], then: Any) -> None:
    other = two(shown).with_shown_last()
    assert ([one["name"] for one in other.listed()], other.shown) == (names, then)


def test_only_maps_of_a_list_are_deployments() -> None:
    assert Document(tree={"deployments": ["odd", {"name": "a"}]}).listed() == [{"name": "a"}]
    assert Document(tree={"deployments": {"name": "a"}}).listed() == [] == Document().listed()


@pytest.mark.parametrize(
    ("value", "local"),
    [("m", True), ("./m", True), ("/m", True), ("~/m", True), ("azureml:m:1", False), ("runs:/r/m", False),
     ("https://x/y", False), ("s3+x.y-z:/b", False), ("C:\\m", True), ("a:b", True), ("1s:/x", True)],
)  # fmt: skip
def test_which_paths_are_local(value: str, local: bool) -> None:
    assert is_local_path(value) == local


def test_paths_follow_to_another_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    model = {
        "deployment": {"model": {"path": "sub/m"}, "code_configuration": {"code": "code"}},
        "test": {"request": "r"},
    }
    items = [{"model": {"path": "azureml:m:1"}}, {"model": {"path": "${env:M}"}}, {"model": {"path": 7}}, {"model": {}},
             {"model": {"path": "sub/own"}}, {"model": {"path": "/abs"}}]  # fmt: skip
    document = Document(tree={**model, "deployments": items}, base=tmp_path)
    other = document.rebased(tmp_path / "sub")
    assert other.base == tmp_path / "sub" and document.get("deployment.model.path") == "sub/m"
    assert other.get("deployment.model.path") == "m"
    assert other.get("deployment.code_configuration.code") == str(tmp_path / "code"), "outside: absolute"
    assert other.get("test.request") == str(tmp_path / "r")
    assert [one["model"].get("path") for one in other.listed()] == ["azureml:m:1", "${env:M}", 7, None, "own", "/abs"]


@pytest.mark.parametrize(
    ("key", "method", "asked"),
    [("credential.tenant_id", "service_principal", True), ("credential.tenant_id", "managed_identity", False),
     ("credential.client_id", "managed_identity", True), ("credential.client_id", "azure_cli", False),
     ("credential.client_id", None, False), ("endpoint.name", None, True)],
)  # fmt: skip
def test_a_field_is_asked_if_it_applies(key: str, method: str | None, asked: bool) -> None:
    assert Document(tree={"credential": {"method": method}}).asked(key) == asked


def test_the_map_of_a_key_is_found_or_made() -> None:
    tree: dict[str, Any] = {"a": {"b": 1}, "c": "text"}
    assert holder(tree, "a.b") == ({"b": 1}, "b") and holder(tree, "a") == (tree, "a")
    assert holder(tree, "c.d") == (None, "d") == holder(tree, "x.y.d")
    assert holder(tree, "c.d", make=True) == ({}, "d") and tree["c"] == {}


def test_short_forms_are_expanded_and_written_again() -> None:
    short = [{"model": "azureml:m:1", "environment": "azureml:e:1"}, "odd"]
    tree = normalise({"deployments": copy.deepcopy(short), "deployment": {"model": "m"}, "rollout": {}})
    assert tree["deployments"][0] == {"model": {"path": "azureml:m:1"}, "environment": {"registered": "azureml:e:1"}}
    assert tree["deployment"] == {"model": {"path": "m"}} and tree["rollout"] == {"steps": [10, 50, 100]}
    assert normalise({"rollout": {"pause": 5}})["rollout"] == {"pause": 5}
    written = denormalise(tree)
    assert written["deployments"] == short and written["deployment"] == {"model": {"path": "m"}}


def test_the_written_tree_is_in_order_and_without_empty_maps() -> None:
    tree = {"limits": {"total": 1}, "other": 1, "endpoint": {}, "workspace": {"name": "w"}, "deployment": {"model": 7}}
    assert list(denormalise(tree)) == ["workspace", "deployment", "limits", "other"]
    assert list(yaml.safe_load(Document(tree=tree).as_yaml())) == ["workspace", "deployment", "limits", "other"]
    assert Document(tree={"description": "Übung: größer"}).as_yaml() == "description: 'Übung: größer'\n"
    assert denormalise({"deployment": {"environment": {"registered": "", "image": "i"}}})["deployment"] == {
        "environment": {"registered": "", "image": "i"}
    }


def test_a_map_field_is_one_value() -> None:
    tree = {"endpoint": {"name": "e", "tags": {"a": 1}}, "traffic": {"blue": 100}, "deployments": [1]}
    assert dict(leaves(tree)) == {
        "endpoint.name": "e", "endpoint.tags": {"a": 1}, "traffic": {"blue": 100}, "deployments": [1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("endpoint: {name: e}  # c\n", True),
        ("$schema: s  # c\nown: {a: 1}\nendpoint:\n  name: e\n  extra: {}\n", True),
        ("endpoint:\n  name: old  # c\n  description:\n", True),
        ("endpoint:\n  name: e  # c\n  auth_mode: key\n  identity: {type: none}\n", True),
        ("- a  # c\n", False),
        ("endpoint: [  # c\n", False),
    ],
)
def test_comments_are_kept_where_the_file_can_be_changed(tmp_path: Path, text: str, kept: bool) -> None:
    path = tmp_path / "p.yml"
    path.write_text(text, encoding="utf-8")
    changed = Document(tree={"endpoint": {"name": "e"}}, path=path).as_commented_yaml()
    assert (changed is not None) == kept
    if changed is not None:
        assert yaml.safe_load(changed)["endpoint"]["name"] == "e"
        assert "auth_mode" not in changed and "type" not in changed, "values of the plan that it has no more"
        assert ("# c" in text) == ("# c" in changed) and ("$schema" in text) == ("$schema" in changed)


def test_without_a_file_there_are_no_comments(tmp_path: Path) -> None:
    assert Document(tree={}).as_commented_yaml() is None
    assert Document(tree={}, path=tmp_path / "gone.yml").as_commented_yaml() is None
    saved = Document(tree={"endpoint": {"name": "e"}}, base=tmp_path).save(tmp_path / "new.yml")
    assert saved.path == tmp_path / "new.yml" and saved.path.read_text(encoding="utf-8") == "endpoint:\n  name: e\n"
