"""Exports the plan as YAML files for `az ml`, and a script that deploys them.

Keys and commands are from Microsoft's reference-yaml-endpoint-online, reference-yaml-deployment-managed-online and
the reference of `az ml online-endpoint` and `az ml online-deployment`.
"""

from __future__ import annotations

from typing import Any

from tui.common.request_body import JSON
from tui.export import autoscale
from tui.export.fill_template import filled, sections, template
from tui.export.plan_source import Source, shell, split, variable
from tui.export.targets import Export, ExportedFile
from tui.plan import data_collection, sdk_entities
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.load_save.references import has_reference
from tui.plan.model import Rollout
from tui.plan.rules.value_rules import steps_of

SCHEMAS = "https://azuremlschemas.azureedge.net/latest/"
REPLACED = "replaced-by-the-script"
"""The placeholder in the YAML for a reference, which `az ml` does not support; the script sets the value."""


def files(source: Source) -> Export:
    """endpoint.yml, a file for each deployment, and deploy.sh. Raises PlanInvalid."""
    parts = sections(template("deploy.sh"))
    endpoint, endpoint_sets = _endpoint(source)
    made = [ExportedFile("endpoint.yml", _dump(endpoint, "The endpoint: name, authentication, network access."))]
    values = _script_values(source, endpoint_sets)
    script = [filled(parts["head"], values)]
    deployments = source.deployments()
    for one in deployments:
        tree, sets = _deployment(one)
        secrets = _secrets(tree, sets)
        name = "deployment.yml" if len(deployments) == 1 else f"deployment-{tree['name']}.yml"
        made.append(ExportedFile(name, _dump(tree, "The deployment behind the endpoint.")))
        sets = {key: value for key, value in sets.items() if key not in ("name", "endpoint_name")}
        label = shell(one.value("deployment.name"))
        named = {"deployment": label, "file": shell(name), "sets": _sets(sets), "secrets": secrets or None}
        script.append(filled(parts["deployment"], named))
        rules = autoscale.of(one)
        if rules:
            name = name.replace("deployment", "autoscale").replace(".yml", ".json")
            made.append(ExportedFile(name, f"{autoscale.body(rules)}\n"))
            script.append(filled(parts["autoscale"], {**named, "file": shell(name)}))
    if _by_file(source):
        split_up: dict[str, Any] = {**endpoint, "traffic": source.traffic()}
        if source.value("mirror_traffic"):
            split_up["mirror_traffic"] = source.value("mirror_traffic")
        made.append(ExportedFile("traffic.yml", _dump(split_up, "The endpoint with its traffic split.")))
    script.append(filled(parts["requests"], values))
    if _has_rollout(source):
        script.append(filled(parts["rollout"], values))
    made.append(ExportedFile("deploy.sh", "".join(script), program=True))
    return Export(made, [*source.notes(), *_rollout_note(source)])


def _has_rollout(source: Source) -> bool:
    return bool(source.document.get("rollout"))


def _rollout_note(source: Source) -> list[str]:
    if not _has_rollout(source):
        return []
    return [
        "rollout: deploy.sh creates the deployment alongside the current one, tests it and leaves the traffic "
        "unchanged; its last lines show the commands that shift it. aml-deploy apply executes and watches the steps, "
        "and so does the exported Python."
    ]


def _by_file(source: Source) -> bool:
    """Whether the traffic split needs a separate file; with a rollout the script does not change the split."""
    return not _has_rollout(source) and bool(len(source.traffic()) > 1 or source.value("mirror_traffic"))


def _endpoint(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = {"$schema": SCHEMAS + "managedOnlineEndpoint.schema.json"}
    return _without_references({**schema, **sdk_entities.endpoint(source).tree()}, "endpoint")


def _deployment(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    image = "deployment.environment"
    model = sdk_entities.model_of(source, source.registered_model(), source.path("deployment.model.path"))
    name, conda, context = source.value(f"{image}.name"), source.path(f"{image}.conda_file"), f"{image}.build.path"
    environment = source.value(f"{image}.registered") or sdk_entities.environment(
        source, name, conda, source.path(context) if source.written(context) else None
    )
    code = source.path("deployment.code_configuration.code")
    made = sdk_entities.deployment(source, model=model, environment=environment, code=code)
    schema = {"$schema": SCHEMAS + "managedOnlineDeployment.schema.json"}
    return _without_references({**schema, **made.tree()}, "deployment")


def _without_references(tree: dict[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tree with placeholders for references, and the values that the script sets, by key in the file."""
    sets: dict[str, Any] = {}

    def walk(node: Any, above: str) -> None:
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for name, value in list(pairs):
            key = f"{above}[{name}]" if isinstance(node, list) else f"{above}.{name}".lstrip(".")
            if isinstance(value, (dict, list)):
                walk(value, key)
            elif has_reference(value):
                sets[key] = value
                item = BY_KEY.get(f"{prefix}.{key}")
                node[name] = item.default if item is not None and item.default is not None else REPLACED

    walk(tree, "")
    return tree, sets


def _secrets(tree: dict[str, Any], sets: dict[str, Any]) -> str:
    """Take the secret values out of `sets`; return the script's words for them: a placeholder in the tree and a value.

    A reference in the container's variables is usually a password. Others on the machine can read a command's words.
    """
    words = ""
    variables = tree.get("environment_variables") or {}
    for number, key in enumerate([key for key in sets if key.startswith("environment_variables.")]):
        mark = f"<{REPLACED} {number}>"
        variables[key.partition(".")[2]] = mark
        words += f" \\\n  {shell(mark)} {shell(sets.pop(key))}"
    return words


def _dump(tree: dict[str, Any], about: str) -> str:
    import yaml

    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)
    return f"# {about} Relative paths start from this file.\n{text}"


def _sets(sets: dict[str, Any]) -> str:
    return "".join(f" \\\n    --set {key}={shell(value)}" for key, value in sets.items())


def _script_values(source: Source, endpoint_sets: dict[str, Any]) -> dict[str, Any]:
    """The template values of deploy.sh, except for its deployments."""
    needed = {variable(kind, text) for key in _texts(source) for kind, text in split(key) if kind != "text"}
    by_file, rollout, request = _by_file(source), _has_rollout(source), source.path("test.request")
    kind = source.request_type()
    new = shell(source.deployments()[-1].value("deployment.name"))
    traffic = " ".join(shell(f"{name}={share}") for name, share in source.traffic().items())
    steps = steps_of(source.value("rollout.steps") or Rollout.steps) or Rollout.steps
    return {
        "needed": "\n".join(f': "${{{name}:?Set {name}, the plan refers to it.}}"' for name in sorted(needed)) or None,
        "subscription": shell(source.value("workspace.subscription_id")),
        "group": shell(source.value("workspace.resource_group")),
        "workspace": shell(source.value("workspace.name")),
        "endpoint": shell(source.value("endpoint.name")),
        "secret_values": any(
            has_reference(value)
            for one in source.deployments()
            for value in (one.value("deployment.environment_variables") or {}).values()
        ),
        "endpoint_sets": _sets({key: value for key, value in endpoint_sets.items() if key != "name"}),
        "traffic_file": by_file,
        "traffic": None if by_file or rollout else traffic,
        "request": shell(request) if request and kind == JSON else None,
        "other_request": shell(f"@{request}") if request and kind != JSON else None,
        "kind": kind,
        "alone": f"--deployment-name {new} " if rollout else "",
        "alone_header": f"-H azureml-model-deployment:{new} " if rollout else "",
        "deployment": new,
        "steps": ", ".join(map(str, steps)),
        "first": steps[0],
        "rest": 100 - steps[0],
    }


def _texts(source: Source) -> list[str]:
    """The plan's values with references in the script."""
    keys = [item.key for item in FIELDS if item.key.partition(".")[0] in ("workspace", "endpoint", "deployment")]
    found = []
    for one in source.deployments():
        for key in keys:
            found += [text for text in data_collection.texts(one.value(key)) if has_reference(text)]
    return found
