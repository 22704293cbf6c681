"""`--set`, overlays, unknown keys and what was probably meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.plan.load_save.document import Document
from tui.plan.load_save.load import apply_sets, load
from tui.plan.problems import PlanInvalid


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("endpoint.name=new", "endpoint.name", "new"),
        (" endpoint.name =new", "endpoint.name", "new"),
        ("endpoint.name=", "endpoint.name", None),
        ("endpoint.name= ", "endpoint.name", None),
        ("deployment.instance_count=3", "deployment.instance_count", 3),
        ("endpoint.tags.a=b=c", "endpoint.tags.a", "b=c"),
        ("traffic.green=5", "traffic", {"blue": 100, "green": 5}),
        ("endpoint.tags={x: y}", "endpoint.tags", {"x": "y"}),
        ("endpoint.description=[not yaml", "endpoint.description", "[not yaml"),
        ("endpoint={name: n}", "endpoint.name", "n"),
        ("endpoint={tags: {a: b}}", "endpoint.tags", {"a": "b"}),
        ("deployment={model: {name: n}}", "deployment.model.name", "n"),
        ("rollout={steps: [20, 100]}", "rollout.steps", [20, 100]),
        ("traffic={green: 100}", "traffic", {"green": 100}),
        ("deployment.model.path=azureml:m:1", "deployment.model.path", "azureml:m:1"),
    ],
)
def test_a_set_value(text: str, key: str, value: Any) -> None:
    document = Document(tree={"endpoint": {"name": "e", "auth_mode": "key"}, "traffic": {"blue": 100}})
    apply_sets(document, [text])
    assert document.get(key) == value
    assert document.get("endpoint.auth_mode") == "key"


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("endpoint.nam=x", "endpoint.nam", "endpoint.name"),
        ("endpoint.name", "endpoint.name", "not a field"),
        ("endpoint", "endpoint", "a group"),
        ("endpoint=x", "endpoint", "a group"),
        ("deployment=3", "deployment", "deployment.name"),
        ("endpoint={nam: x}", "endpoint.nam", "endpoint.name"),
        ("deployment={model: x}", "deployment.model", "not one of"),
        ("endpoint={identity: {typ: x}}", "endpoint.identity.typ", "endpoint.identity.type"),
        ("count=3", "count", "not a field"),
    ],
)
def test_a_set_of_what_is_no_field(text: str, key: str, said: str) -> None:
    with pytest.raises(PlanInvalid) as invalid:
        apply_sets(Document(), ["endpoint.auth_mode=key", text])
    (problem,) = invalid.value.problems
    assert (problem.key, problem.file) == (key, "--set")
    assert said in f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize("key", ["credential.client_secrt", "credential", "credential.client_secret.x"])
def test_the_value_of_a_mistyped_key_is_not_repeated_since_it_may_be_a_secret(key: str) -> None:
    with pytest.raises(PlanInvalid) as invalid:
        apply_sets(Document(), [f"{key}=sesame-open"])
    assert key in str(invalid.value) and "sesame" not in str(invalid.value)


def of(folder: Path, text: str, *overlays: str) -> Document:
    (folder / "p.yml").write_text(text, encoding="utf-8")
    paths = []
    for number, overlay in enumerate(overlays):
        paths.append(folder / f"o{number}" / "o.yml")
        paths[-1].parent.mkdir()
        paths[-1].write_text(overlay, encoding="utf-8")
    return load(folder / "p.yml", paths)


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        ("endpoint:\n  nam: x\n", "endpoint.nam", 2, "Did you mean endpoint.name?"),
        ("endpoints: {}\n", "endpoints", 1, "Did you mean endpoint"),
        ("zzz: 1\n", "zzz", 1, "known keys"),
        ("instance_count: 1\n", "instance_count", 1, "Did you mean deployment.instance_count?"),
        ("deployment:\n  zzzz: 1\n", "deployment.zzzz", 2, "known keys"),
        ("deployment:\n  scale_settings: {type: default}\n", "deployment.scale_settings", 2, "not supported"),
        ("deployments:\n- type: x\n", "deployments.0.type", 2, "not supported"),
        ("endpoint: x\n", "endpoint", 1, "not a map"),
        ("endpoint: [1]\n", "endpoint", 1, "not a map"),
        ("deployments: {}\n", "deployments", 1, "not a list"),
        ("deployments: []\n", "deployments", 1, "not a list"),
        ("deployments:\n- name: a\n- x\n", "deployments.1", 3, "must be a map"),
        ("endpoint:\n  name: a\n  name: b\n", "endpoint.name", 3, "duplicate"),
        ("endpoint: {name: !odd x}\n", "endpoint.name", 1, "not valid"),
    ],
)
def test_a_key_that_is_none(tmp_path: Path, text: str, key: str, line: int, said: str) -> None:
    (problem,) = of(tmp_path, text).problems
    assert (problem.key, problem.line, problem.file) == (key, line, str(tmp_path / "p.yml"))
    assert said in f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize(
    "text",
    [
        "$schema: x\nendpoint: {$schema: y, name: e}\ndeployment: {$schema: z, endpoint_name: e}\n",
        "endpoint: {tags: {anything: 1}}\ntraffic: {any: 100}\n",
        "endpoint:\n  name:\ndeployment:\n",
        "deployment: {model: azureml:m:1, environment: azureml:e:1}\n",
        "deployments:\n- {endpoint_name: e, name: blue, tags: {x: y}}\n",
        "deployment: {data_collector: {collections: {a: {enabled: 'True', any: 1}}}}\n",
    ],
)
def test_keys_that_are_known_or_ignored(tmp_path: Path, text: str) -> None:
    document = of(tmp_path, text)
    assert document.problems == []
    assert document.get("endpoint.$schema") is None and document.get("deployment.endpoint_name") is None


def test_a_key_that_is_none_does_not_hide_the_next_ones(tmp_path: Path) -> None:
    text = """\
$schema: s
workspace: none
zzz: 1
endpoint: {auth_mode: !odd x, description: d, $schema: s, name: e}
deployments: [x, {name: blue}]
deployment: {instance_count: 2}
"""
    document = of(tmp_path, text)
    assert [one.key for one in document.problems] == ["workspace", "zzz", "endpoint.auth_mode", "deployments.0"]
    assert document.tree == {
        "endpoint": {"description": "d", "name": "e"},
        "deployments": [{"name": "blue"}],
        "deployment": {"instance_count": 2},
    }


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("endpont.name", "endpoint.name"),
        ("deployment.image", "deployment.environment.image"),
        ("deployment.modell.path", "deployment.model.path"),
        ("deployment.count", "deployment.instance_count"),
        ("deploymentname", "deployment.name"),
        ("deployement", "deployment"),
        ("deploymentss", "deployments"),
        ("scoring_script", "deployment.code_configuration.scoring_script"),
        ("x.y.timeout", "deployment.liveness_probe.timeout"),
        ("workspace.rg", None),
        ("endpoint.rate", "endpoint.name"),
        ("xyz", None),
    ],
)
def test_what_was_probably_meant(key: str, meant: str | None) -> None:
    with pytest.raises(PlanInvalid) as invalid:
        apply_sets(Document(), [f"{key}=1"])
    (problem,) = invalid.value.problems
    found = problem.remedy[len("Did you mean ") : -1] if problem.remedy.startswith("Did you mean") else None
    assert found == meant


def test_an_overlay_adds_to_maps_and_replaces_splits_and_values(tmp_path: Path) -> None:
    text = "endpoint: {name: e, tags: {a: 1, b: 1}}\ntraffic: {blue: 100}\ndeployment: {model: {path: m}}\n"
    overlay = (
        "endpoint: {tags: {b: 2}}\ntraffic: {green: 100}\nmirror_traffic: {blue: 5}\ndeployment: {model: {path: n}}\n"
    )
    document = of(tmp_path, text, overlay, "zzz: 1\n")
    assert document.get("endpoint.tags") == {"a": 1, "b": 2}
    assert (document.get("traffic"), document.get("mirror_traffic")) == ({"green": 100}, {"blue": 5})
    assert document.get("deployment.model.path") == "o0/n", "relative to the plan's folder"
    assert [one.key for one in document.problems] == ["zzz"]
    assert document.source("traffic") == "o.yml, line 2" and document.where("traffic")[1] == 2
    assert document.source("endpoint.name") == "p.yml, line 1"


def test_what_is_loaded_is_named(tmp_path: Path) -> None:
    document = of(tmp_path, "endpoint: {name: e}\n")
    assert (document.path, document.origin, document.base) == (tmp_path / "p.yml", "p.yml", tmp_path)
    preset = load("churn-xgboost")
    assert (preset.path, preset.origin) == (None, "preset churn-xgboost")
    assert preset.source("endpoint.name") == "preset churn-xgboost"
    (tmp_path / "churn-xgboost.yml").write_text("endpoint: {name: e}\n", encoding="utf-8")
    assert load(tmp_path / "churn-xgboost.yml").path, "a file of a preset's name is no preset"


@pytest.mark.parametrize("text", ["", "- a\n", "7\n", "# only a comment\n"])
def test_a_file_that_is_no_plan(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlanInvalid) as invalid:
        of(tmp_path, text)
    assert [one.line for one in invalid.value.problems] == [1]


def test_a_folder_is_no_plan_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match="folder"):
        load(tmp_path)
    with pytest.raises(PlanInvalid, match=r"(?i)no plan file"):
        load(tmp_path / "none.yml")


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"a: [1\nb: 2\n", 2, "Check the indentation"),
        (b"a: {x: ${env:A}}\n", 1, "Quote references"),
        (b"a: {x: 1}}\nb: ${env:A}\n", 1, "Check the indentation"),
        (b"a: 'open", 1, "Check the indentation"),
        (b"\xff\xfe\xfa", None, ""),
    ],
)
def test_a_file_that_is_no_yaml(tmp_path: Path, content: bytes, line: int | None, said: str) -> None:
    (tmp_path / "p.yml").write_bytes(content)
    with pytest.raises(PlanInvalid) as invalid:
        load(tmp_path / "p.yml")
    (problem,) = invalid.value.problems
    assert problem.line == line and said in problem.remedy


def test_a_byte_order_mark_is_no_part_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_bytes(b"\xef\xbb\xbfendpoint: {name: e}\n")
    assert load(tmp_path / "p.yml").get("endpoint.name") == "e"
