"""Files of `az ml`: their kind and lines, and the plan that they become together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.plan.load_save.az_yaml_file import Part, read_part
from tui.plan.load_save.az_yaml_import import ImportedDocument, document_of
from tui.plan.problems import PlanInvalid, Problem


def write(folder: Path, text: str, name: str = "d.yml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("$schema: https://x/managedOnlineEndpoint.schema.json\nname: e\n", "endpoint"),
        ("$schema: https://x/managedOnlineDeployment.schema.json\nauth_mode: key\n", "deployment"),
        ("$schema: other\nauth_mode: key\n", "endpoint"),
        ("identity: {type: system_assigned}\n", "endpoint"),
        ("endpoint_name: e\nidentity: x\n", "deployment"),
        ("model: m\n", "deployment"),
    ],
)
def test_the_kind_of_a_file(tmp_path: Path, text: str, kind: str) -> None:
    assert read_part(write(tmp_path, text)).kind == kind


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("a: 1\n$schema: https://x/kubernetesOnlineEndpoint.json\n", "$schema", "Kubernetes"),
        ("$schema: https://x/batchDeployment.json\n", "$schema", "batch"),
        ("workspace: {name: w}\n", "", "already a plan"),
        ("deployment: {name: w}\n", "", "already a plan"),
        ("endpoint: {name: w}\n", "", "already a plan"),
        ("name: x\n", "", "neither"),
        ("- name: x\n", "", "no keys"),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, text: str, key: str, said: str) -> None:
    with pytest.raises(PlanInvalid) as invalid:
        read_part(write(tmp_path, text))
    (problem,) = invalid.value.problems
    assert problem.key == key and said in problem.message
    assert (problem.file, problem.line) == (str(tmp_path / "d.yml"), 2 if "Kubernetes" in said else 1)


@pytest.mark.parametrize("signature", ["?sv=2024&sig=Zm9vYmFy", "?SIG=Zm9vYmFy"])
def test_a_signature_anywhere_in_a_file_is_refused_with_its_line_and_not_repeated(
    tmp_path: Path, signature: str
) -> None:
    write(tmp_path, f"image: i\nconda_file: https://a.blob/c{signature}\n", "env.yml")
    text = (
        f"model:\n  path: https://a.blob/m{signature}\nenvironment: file:env.yml\nenvironment_variables:\n"
        f"  A: '1'\n  B: https://a.blob/b{signature}\nunknown: ['https://a.blob/u{signature}']\n"
    )
    with pytest.raises(PlanInvalid) as invalid:
        read_part(write(tmp_path, text))
    found = [(problem.key, Path(str(problem.file)).name, problem.line) for problem in invalid.value.problems]
    assert found == [
        ("model.path", "d.yml", 2), ("environment.conda_file", "env.yml", 2), ("environment_variables.B", "d.yml", 6),
        ("unknown", "d.yml", 7),
    ]  # fmt: skip
    assert "(SAS)" in str(invalid.value) and "Zm9v" not in str(invalid.value)
    text = "model:\n  path: https://a.blob/m\nenvironment_variables: {B: 'https://a.blob/b?sig=${env:SIG}'}\n"
    assert read_part(write(tmp_path, text)).kind == "deployment", "a reference is no secret"


def test_an_included_environment_has_its_own_lines_and_folder(tmp_path: Path) -> None:
    write(tmp_path / "sub", "$schema: s\n\nimage: i\nconda_file: c.yml\n", "env.yml")
    part = read_part(write(tmp_path, "model:\n  path: m\nenvironment: file:sub/env.yml\n"))
    assert part.tree["environment"] == {"image": "i", "conda_file": "c.yml"}
    assert part.where("environment.image") == (str(tmp_path / "sub" / "env.yml"), 3)
    assert part.where("environment.image.x") == part.where("environment.image")
    assert part.where("model.path") == (str(tmp_path / "d.yml"), 2) and part.where("other")[1] == 1
    assert part.folder_of("environment.conda_file") == tmp_path / "sub" and part.folder_of("model.path") == tmp_path
    kept = read_part(write(tmp_path, "model: m\nenvironment: azureml:e:1\n", "other.yml"))
    assert kept.tree["environment"] == "azureml:e:1"


def deployment(folder: Path, tree: dict[str, Any], name: str = "d.yml") -> Part:
    lines = {key: (folder / name, number) for number, key in enumerate(tree, 1)}
    needed = {"name": "blue", "endpoint_name": "e", "environment": "azureml:e:1"}
    return Part(folder / name, "deployment", {**needed, **tree}, lines)


def endpoint(folder: Path, tree: dict[str, Any], name: str = "e.yml") -> Part:
    lines = {key: (folder / name, number) for number, key in enumerate(tree, 1)}
    return Part(folder / name, "endpoint", {"name": "e", **tree}, lines)


def left(document: ImportedDocument) -> list[str]:
    return [problem.key for problem in document.left_out]


def test_an_endpoint_and_its_deployment_become_a_plan(tmp_path: Path) -> None:
    tree = {"$schema": "s", "model": "azureml:m:1", "environment": "azureml:e:1", "instance_count": 2, "odd": 1}
    parts = [
        deployment(tmp_path, tree),
        endpoint(tmp_path, {"auth_mode": "key", "traffic": {"blue": 100}, "kind": "x"}),
    ]
    document = document_of(parts)
    assert document.tree == {
        "traffic": {"blue": 100},
        "endpoint": {"name": "e", "auth_mode": "key"},
        "deployment": {"name": "blue", "model": {"path": "azureml:m:1"}, "environment": {"registered": "azureml:e:1"},
                       "instance_count": 2},
    }  # fmt: skip
    assert left(document) == ["odd"] and document.origin == "d.yml, e.yml" and document.base == tmp_path
    file = str(tmp_path / "d.yml")
    assert document.where("deployment.model.path") == (file, 2)
    assert document.where("deployment.instance_count") == (file, 4) and document.where("deployment.x") == (file, 1)
    assert document.where("endpoint.auth_mode") == (str(tmp_path / "e.yml"), 1)
    assert document.where("traffic") == (str(tmp_path / "e.yml"), 2)
    assert document.source("deployment.instance_count") == "d.yml, line 4"


def test_a_deployment_alone_names_its_endpoint(tmp_path: Path) -> None:
    document = document_of([deployment(tmp_path, {"endpoint_name": "mine"})])
    assert document.get("endpoint.name") == "mine" and document.where("endpoint.name")[1] == 1
    unnamed = deployment(tmp_path, {})
    del unnamed.tree["endpoint_name"]
    assert "endpoint" not in document_of([unnamed]).tree


def test_several_deployments_become_a_list(tmp_path: Path) -> None:
    parts = [deployment(tmp_path, {"model": "m"}), deployment(tmp_path, {"name": "green"}, "g.yml")]
    document = document_of(parts)
    assert [one["name"] for one in document.listed()] == ["blue", "green"] and "deployment" not in document.tree
    assert document.where("deployments") == (str(tmp_path / "d.yml"), 1)
    assert document.where("deployments.1.name") == (str(tmp_path / "g.yml"), 1)
    assert document.where("deployments.0.model.path") == (str(tmp_path / "d.yml"), 1)


@pytest.mark.parametrize(
    ("parts", "keys"),
    [
        ([("e", {}), ("e", {}), ("d", {})], [""]),
        ([("e", {})], [""]),
        ([("e", {}), ("d", {"endpoint_name": "other"})], ["endpoint_name"]),
        ([("e", {"name": ""}), ("d", {"endpoint_name": "other"})], []),
        ([("e", {}), ("d", {"endpoint_name": None})], []),
        ([("d", {}), ("d", {"name": "green", "endpoint_name": "other"})], ["endpoint_name"]),
        ([("d", {}), ("d", {})], ["name"]),
        ([("d", {}), ("d", {"name": "green"}), ("d", {"name": "green"})], ["name"]),
        ([("d", {}), ("d", {"name": "green"})], []),
    ],
)
def test_files_that_do_not_belong_together(tmp_path: Path, parts: list[tuple[str, Any]], keys: list[str]) -> None:
    made = [endpoint(tmp_path, tree) if kind == "e" else deployment(tmp_path, tree) for kind, tree in parts]
    try:
        document_of(made)
        found = []
    except PlanInvalid as invalid:
        found = [problem.key for problem in invalid.problems]
    assert found == keys


def test_the_second_of_two_is_the_one_too_many(tmp_path: Path) -> None:
    for parts in ([endpoint(tmp_path, {}, name) for name in ("1.yml", "2.yml")],
                  [deployment(tmp_path, {}, name) for name in ("1.yml", "2.yml")]):  # fmt: skip
        with pytest.raises(PlanInvalid) as invalid:
            document_of(parts)
        assert [one.file for one in invalid.value.problems] == [str(tmp_path / "2.yml")]


@pytest.mark.parametrize(
    ("tree", "key", "kept", "left_out"),
    [
        ({"traffic": {"blue": 0}}, "traffic", None, ["traffic"]),
        ({"traffic": {"blue": 0}, "mirror_traffic": {"a": 5}}, "mirror_traffic", {"a": 5}, ["traffic"]),
        ({"traffic": {"blue": 0, "green": 100}}, "traffic", {"blue": 0, "green": 100}, []),
        ({"traffic": {}}, "traffic", None, []),
        ({"mirror_traffic": {"blue": 0}}, "mirror_traffic", {"blue": 0}, []),
        ({"identity": {"type": "none"}}, "endpoint.identity", None, ["identity.type"]),
        ({"identity": {"type": "system_assigned"}}, "endpoint.identity.type", "system_assigned", []),
        ({"identity": {"other": 1}}, "endpoint.identity", None, ["identity.other"]),
        ({"description": None, "type": "x"}, "endpoint.description", None, []),
        ({"compute": "c"}, "endpoint.compute", None, ["compute"]),
        ({"tags": {"a": 1}}, "endpoint.tags", {"a": 1}, []),
    ],
)  # fmt: skip
def test_what_an_endpoint_file_says(tmp_path: Path, tree: Any, key: str, kept: Any, left_out: list[str]) -> None:
    document = document_of([endpoint(tmp_path, tree), deployment(tmp_path, {})])
    assert document.get(key) == kept and left(document) == left_out


@pytest.mark.parametrize(
    ("tree", "key", "kept", "left_out"),
    [
        ({"scale_settings": {"type": "default"}}, "scale_settings", None, []),
        ({"scale_settings": {}}, "scale_settings", None, []),
        ({"scale_settings": {"type": "target_utilization"}}, "scale_settings", None, ["scale_settings"]),
        ({"request_settings": {"request_timeout_ms": 5}}, "request_settings.request_timeout_ms", 5, []),
        ({"request_settings": {"max_queue_wait_ms": 5}}, "request_settings", None,
         ["request_settings.max_queue_wait_ms"]),
        ({"environment": {"conda_file": {"dependencies": []}, "image": "i"}}, "environment",
         {"conda_file": "blue-conda.yml", "image": "i"}, ["environment.conda_file"]),
        ({"environment": {"conda_file": "c.yml"}}, "environment.conda_file", "c.yml", []),
        ({"data_collector": {"collections": {"a": {"enabled": "True", "x": 1, "data": {"name": "d", "y": 2}}}}},
         "data_collector.collections", {"a": {"enabled": "True", "data": {"name": "d"}}},
         ["data_collector.collections.a.x", "data_collector.collections.a.data.y"]),
        ({"data_collector": {"collections": {"a": {"data": "azureml:d:1"}}}}, "data_collector.collections",
         {"a": {"data": "azureml:d:1"}}, []),
        ({"model": {"path": "sub/../m", "name": "n", "odd": 1}}, "model", {"path": "m", "name": "n"}, ["model.odd"]),
        ({"model": "/m"}, "model.path", "/m", ["model.name"]),
        ({"model": "runs:/r/m/.."}, "model.path", "runs:/r/m/..", ["model.name"]),
        ({"model": {"path": "m"}}, "model.name", "e-blue-model", ["model.name"]),
        ({"model": {"path": "m", "name": "n"}}, "model.name", "n", []),
        ({"model": {"path": "azureml://datastores/d/paths/m"}}, "model.name", "e-blue-model", ["model.name"]),
        ({"model": {"path": "azureml://jobs/j/outputs/o/paths/m"}}, "model.name", "e-blue-model", ["model.name"]),
        ({"model": "azureml://registries/r/models/m/versions/1"}, "model.name", None, []),
        ({"model": "azureml:m@latest"}, "model.name", None, []),
        ({"environment": None}, "model", None, ["model"]),
        ({"environment": {"image": "i"}}, "environment.image", "i", []),
        ({"environment_variables": {"A": "<s>", "B": "{{X}}", "C": "pa$word"}}, "environment_variables",
         {"A": "<s>", "B": "{{X}}", "C": "pa$word"}, ["environment_variables.A", "environment_variables.B"]),
        ({"code_configuration": "code"}, "code_configuration", None, ["code_configuration"]),
        ({"liveness_probe": {"odd": 1}}, "liveness_probe", None, ["liveness_probe.odd"]),
    ],
)  # fmt: skip
def test_what_a_deployment_file_says(tmp_path: Path, tree: Any, key: str, kept: Any, left_out: list[str]) -> None:
    document = document_of([deployment(tmp_path, tree)])
    assert document.get(f"deployment.{key}") == kept and left(document) == left_out


def test_paths_start_from_the_file_in_which_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    first = deployment(tmp_path, {"model": {"path": "m"}})
    second = deployment(tmp_path / "sub", {"name": "green", "model": {"path": "m"}})
    document = document_of([first, second])
    assert [one["model"]["path"] for one in document.listed()] == ["m", "sub/m"]


def test_the_answer_of_the_helper_is_a_document_or_the_reasons() -> None:
    problem = {"key": "k", "message": "m", "remedy": "", "file": "f", "line": 1}
    answer = {"tree": {"endpoint": {"name": "e"}}, "base": "/b", "origin": "d.yml", "lines": {"a": ["f", 2]},
              "sources": {"a": "s"}, "left_out": [problem], "inline": {"c.yml": "a: 1"}}  # fmt: skip
    document = ImportedDocument.of_answer(answer)
    assert (document.base, document.lines, document.left_out) == (Path("/b"), {"a": ("f", 2)}, [Problem(**problem)])
    assert document.inline == {"c.yml": "a: 1"}
    with pytest.raises(PlanInvalid) as invalid:
        ImportedDocument.of_answer({"refused": [problem]})
    assert invalid.value.problems == [Problem(**problem)]


PLACEHOLDER = "is a placeholder, not a value."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: blue\n\nendpoint_name: {{ENDPOINT_NAME}}\nmodel: m\n", [("endpoint_name", 3, "in the file.")]),
        ("name: blue\nmodel:\n  path: {{ A }}/{{B}}\nenvironment: {image: {{C}}.azurecr.io/x}  # {{D}}\n",
         [("path", 3, "{{ A }}"), ("path", 3, "{{B}}"), ("environment", 4, "{{C}}")]),
        ("endpoint_name: <my-endpoint>\nmodel: m\n", [("endpoint_name", 1, "--endpoint-name NAME")]),
        ("name: <NAME>\nauth_mode: key\n", [("name", 1, "--endpoint-name NAME")]),
        ("name: e\nauth_mode: <AUTH>\n", [("auth_mode", 2, "--set endpoint.auth_mode=VALUE")]),
        ("model: azureml:{{M}}:1\nenvironment:\n  image: '<acr>.azurecr.io/x'\n",
         [("model", 1, "--set model=VALUE"), ("environment.image", 3, "--set environment.image=VALUE")]),
        ("endpoint_name: e\ndescription: <X>\ntags: {a: <X>}\nenvironment_variables: {A: '<s> {{x}}'}\n"
         "model: {path: m, description: <X>, tags: {a: <X>}}\n", []),
        ("endpoint_name: $NAME\nmodel: m/${VERSION}\ninstance_type: $(SIZE)\n",
         [("endpoint_name", 1, "$NAME"), ("model", 2, "${VERSION}"), ("instance_type", 3, "$(SIZE)")]),
        ("model: ${{ a.b }}\nendpoint_name: x${{b}}\n",
         [("model", 1, "${{ a.b }}"), ("endpoint_name", 2, "${{b}}")]),
        ("endpoint_name: a<1 and 2>1\nmodel: '<>$'\nname: '${env:NAME}'\n", []),
    ],
)  # fmt: skip
def test_a_placeholder_is_told_with_its_line_and_how_to_fill_it_in(
    tmp_path: Path, text: str, told: list[tuple[str, int, str]]
) -> None:
    problems = []
    try:
        read_part(write(tmp_path, text))
    except PlanInvalid as invalid:
        problems = invalid.problems
    assert [(one.key, one.line) for one in problems] == [(key, line) for key, line, _ in told]
    assert all(PLACEHOLDER in one.message and said in str(one) for one, (_, _, said) in zip(problems, told))


def test_values_of_the_command_line_replace_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    text = "endpoint_name: <X>\nmodel: azureml:{{M}}:1\nenvironment:\n  image: i\n"
    settings = {"deployment.endpoint_name": "mine", "model": "azureml:m:1", "environment.conda_file": "c.yml",
                "endpoint.auth_mode": "key", "a.b.c": "d"}  # fmt: skip
    part = read_part(write(tmp_path / "sub", text), settings)
    assert part.tree == {"endpoint_name": "mine", "model": "azureml:m:1", "a": {"b": {"c": "d"}},
                         "environment": {"image": "i", "conda_file": "c.yml"}}  # fmt: skip
    assert part.where("model") == ("--set model", None) and part.where("environment.image")[1] == 4
    assert part.where("endpoint_name") == ("--endpoint-name NAME", None)
    assert part.folder_of("environment.conda_file") == tmp_path / "sub", "as for az ml: from the file's folder"
    other = read_part(write(tmp_path, "name: e\nauth_mode: <X>\n"), settings)
    assert other.tree == {"name": "e", "auth_mode": "key"}


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("name: e\ndeployments:\n  - name: blue\n", "deployments", 2),
        ("model:\n  name: m\n  local_path: m.pkl\n", "model.local_path", 3),
        ("name: blue\ncode_configuration:\n  code: {local_path: src}\n", "code_configuration.code.local_path", 3),
        ("model: m\nenvironment:\n  docker: {image: i}\n", "environment.docker", 3),
        ("model: m\nscale_settings: {scale_type: manual}\n", "scale_settings.scale_type", 2),
    ],
)
def test_the_format_of_2021_is_refused_by_name(tmp_path: Path, text: str, key: str, line: int) -> None:
    with pytest.raises(PlanInvalid) as invalid:
        read_part(write(tmp_path, text))
    assert [(one.key, one.line) for one in invalid.value.problems] == [(key, line)]
    assert "2021" in str(invalid.value)


def test_inline_conda_files_become_files_beside_the_plan_and_replace_none(tmp_path: Path) -> None:
    environment = {"image": "i", "conda_file": {"name": "x", "dependencies": ["python=3.10"]}}
    parts = [deployment(tmp_path, {"environment": environment}),
             deployment(tmp_path, {"name": "../green", "environment": environment}, "g.yml")]  # fmt: skip
    document = document_of(parts)
    plans = tmp_path / "plans"
    plans.mkdir()
    (plans / "blue-conda.yml").write_text("mine: 1\n")
    written = document.write_inline(plans)
    assert written == [plans / "blue-conda-2.yml", plans / "---green-conda.yml"]
    assert [one["environment"]["conda_file"] for one in document.listed()] == [
        "plans/blue-conda-2.yml", "plans/---green-conda.yml"
    ]  # fmt: skip
    assert written[0].read_text() == "name: x\ndependencies:\n- python=3.10\n"
    assert (plans / "blue-conda.yml").read_text() == "mine: 1\n"
    assert document_of([deployment(tmp_path, {"environment": environment})]).write_inline(plans) == written[:1]
