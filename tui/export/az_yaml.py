"""The plan as YAML files of `az ml`, and the commands that carry them out.

Keys and commands are those of Microsoft's reference-yaml-endpoint-online, reference-yaml-deployment-managed-online and
the reference of `az ml online-endpoint` and `az ml online-deployment`.
"""

from __future__ import annotations

import copy
from typing import Any

from tui.export.plan_source import Source, shell, split, variable
from tui.export.targets import Export, ExportedFile
from tui.plan import data_collection, endpoint_identity
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.load_save.references import has_reference
from tui.plan.model import Rollout
from tui.plan.rules.value_rules import steps_of

SCHEMAS = "https://azuremlschemas.azureedge.net/latest/"
PLACE = '"${WHERE[@]}"'
REPLACED = "replaced-by-the-script"
"""Stands in the YAML where the plan has a reference: `az ml` knows none, so the script sets the value."""


def files(source: Source) -> Export:
    """endpoint.yml, a file for each deployment, and deploy.sh. Raises PlanInvalid."""
    endpoint, endpoint_sets = _endpoint(source)
    made = [ExportedFile("endpoint.yml", _dump(endpoint, "What callers see: name, keys, network access."))]
    commands: list[str] = []
    deployments = source.deployments()
    for one in deployments:
        tree, sets = _deployment(one)
        name = "deployment.yml" if len(deployments) == 1 else f"deployment-{tree['name']}.yml"
        made.append(ExportedFile(name, _dump(tree, "What serves behind the endpoint.")))
        commands.append(_create(one, name, sets))
    shares = source.traffic()
    if _by_file(source):
        split_up: dict[str, Any] = {**endpoint, "traffic": shares}
        if source.value("mirror_traffic"):
            split_up["mirror_traffic"] = source.value("mirror_traffic")
        made.append(ExportedFile("traffic.yml", _dump(split_up, "The endpoint with its split of the requests.")))
    made.append(ExportedFile("deploy.sh", _script(source, commands, endpoint_sets), program=True))
    return Export(made, [*source.plan_only(rollout=False), *_rollout_note(source)])


def _has_rollout(source: Source) -> bool:
    return bool(source.document.get("rollout"))


def _rollout_note(source: Source) -> list[str]:
    if not _has_rollout(source):
        return []
    return [
        "rollout: deploy.sh makes the deployment beside what serves, tests it and leaves the requests where they are; "
        "its last lines say which command shifts them. aml-deploy apply goes the steps and watches them, and so does "
        "the exported Python."
    ]


def _by_file(source: Source) -> bool:
    """Whether the split needs a file of its own; with a rollout the script leaves the split as it is."""
    return not _has_rollout(source) and bool(len(source.traffic()) > 1 or source.value("mirror_traffic"))


def _endpoint(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    tree: dict[str, Any] = {"$schema": SCHEMAS + "managedOnlineEndpoint.schema.json"}
    written = copy.deepcopy(source.document.get("endpoint") or {})
    for key in ("name", "auth_mode", "public_network_access"):
        tree[key] = source.value(f"endpoint.{key}")
    tree.update({key: value for key, value in written.items() if key not in tree})
    given = tree.get("identity")
    if isinstance(given, dict) and given.get("user_assigned_identities"):
        # The loader of az ml takes maps; the plan may name the ids alone.
        ids = endpoint_identity.listed(given["user_assigned_identities"]) or []
        given["user_assigned_identities"] = [{"resource_id": one} for one in ids]
    return _without_references(tree, "endpoint")


def _deployment(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    tree: dict[str, Any] = {
        "$schema": SCHEMAS + "managedOnlineDeployment.schema.json",
        "name": source.value("deployment.name"),
        "endpoint_name": source.value("endpoint.name"),
    }
    written = copy.deepcopy(source.document.get("deployment") or {})
    tree.update({key: value for key, value in written.items() if key != "name"})
    for item in FIELDS:
        if item.kind == "path" and item.key.startswith("deployment.") and source.written(item.key) is not None:
            _set(tree, item.key[len("deployment.") :], source.path(item.key))
    for key in ("instance_type", "instance_count"):
        tree[key] = source.value(f"deployment.{key}")
    model = tree.get("model")
    if isinstance(model, dict):
        registered = source.registered_model()
        if registered:
            tree["model"] = registered
        else:
            model["type"] = source.value("deployment.model.type")
    code = tree.get("code_configuration")
    if isinstance(code, dict) and code.get("code"):
        code["scoring_script"] = source.value("deployment.code_configuration.scoring_script")
    elif isinstance(code, dict):
        del tree["code_configuration"]
    collector = tree.get("data_collector")
    if isinstance(collector, dict) and isinstance(collector.get("collections"), dict):
        collector["collections"] = data_collection.as_az(collector["collections"])
    environment = tree.get("environment")
    if isinstance(environment, dict) and environment.get("registered"):
        tree["environment"] = environment["registered"]
    return _without_references(tree, "deployment")


def _without_references(tree: dict[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tree with stand-ins for references, and what the script sets in their places, by key below the file."""
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


def _set(tree: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    node: Any = tree
    for part in parents:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node[last] = value


def _dump(tree: dict[str, Any], about: str) -> str:
    import yaml

    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)
    return f"# {about} Relative paths start from this file.\n{text}"


def _sets(sets: dict[str, Any]) -> str:
    return "".join(f" \\\n    --set {key}={shell(value)}" for key, value in sets.items())


def _create(source: Source, name: str, sets: dict[str, Any]) -> str:
    label = shell(source.value("deployment.name"))
    return (
        f"say 'The deployment: uploads code and model, builds the environment, starts the servers; minutes.'\n"
        f'if az ml online-deployment show --name {label} --endpoint-name "$ENDPOINT" {PLACE} >/dev/null 2>&1; then\n'
        f"  verb=update\nelse\n  verb=create\nfi\n"
        f'az ml online-deployment "$verb" --name {label} --endpoint-name "$ENDPOINT" --file {shell(name)} {PLACE}'
        f"{_sets({key: value for key, value in sets.items() if key not in ('name', 'endpoint_name')})} >/dev/null\n"
    )


def _script(source: Source, commands: list[str], endpoint_sets: dict[str, Any]) -> str:
    endpoint = source.value("endpoint.name")
    needed = {variable(kind, text) for key in _texts(source) for kind, text in split(key) if kind != "text"}
    more_sets = {key: value for key, value in endpoint_sets.items() if key != "name"}
    split_options = ""
    if _by_file(source):
        split_options = f"--file traffic.yml {PLACE}{_sets(more_sets)}"
    elif not _has_rollout(source):
        words = " ".join(f"{shell(f'{name}={share}')}" for name, share in source.traffic().items())
        split_options = f"--traffic {words} {PLACE}"
    shift = [f'az ml online-endpoint update --name "$ENDPOINT" {split_options} >/dev/null'] if split_options else []
    lines = [
        "#!/usr/bin/env bash",
        "# Deploys endpoint.yml and the deployment beside it with the Azure CLI and its extension ml (version 2):",
        "#   az extension add --name ml; az login",
        "# Written by aml-deploy; nothing of it is needed to run this. Not tried against Azure.",
        "set -euo pipefail",
        'cd "$(dirname "$0")"',
        "say() { printf '\\n%s\\n' \"$1\"; }",
        "",
        *[f': "${{{name}:?Set {name}, the plan refers to it.}}"' for name in sorted(needed)],
        f"SUBSCRIPTION={shell(source.value('workspace.subscription_id'))}",
        f"GROUP={shell(source.value('workspace.resource_group'))}",
        f"WORKSPACE={shell(source.value('workspace.name'))}",
        f"ENDPOINT={shell(endpoint)}",
        'WHERE=(--subscription "$SUBSCRIPTION" --resource-group "$GROUP" --workspace-name "$WORKSPACE")',
        "",
        "say 'The endpoint: a minute or two.'",
        'if ! az ml online-endpoint show --name "$ENDPOINT" "${WHERE[@]}" >/dev/null 2>&1; then',
        f'  az ml online-endpoint create --name "$ENDPOINT" --file endpoint.yml {PLACE}{_sets(more_sets)} >/dev/null',
        "fi",
        "",
        *commands,
        *shift,
        "",
        "say 'Requests go to:'",
        'az ml online-endpoint show --name "$ENDPOINT" "${WHERE[@]}" --query traffic',
        "",
    ]
    request = source.path("test.request")
    new = shell(source.deployments()[-1].value("deployment.name"))
    if request:
        alone = f"--deployment-name {new} " if _has_rollout(source) else ""
        lines += [
            "say 'A test call; it works from inside the network only, where public access is disabled.'",
            f'az ml online-endpoint invoke --name "$ENDPOINT" {alone}--request-file {shell(request)} {PLACE}',
            "",
        ]
    return "\n".join(lines + (_how_to_shift(source, new) if _has_rollout(source) else []))


def _how_to_shift(source: Source, new: str) -> list[str]:
    """What the script says in the end of a plan with a rollout, whose steps it does not go."""
    steps = steps_of(source.value("rollout.steps") or Rollout.steps) or Rollout.steps
    first, update = steps[0], "  az ml online-endpoint update --name $ENDPOINT"
    return [
        f"NEW={new}",
        "cat <<END",
        "",
        "Requests stay where they are. Where nothing else serves, $NEW gets all of them with",
        f'{update} --traffic "$NEW=100" ${{WHERE[*]}}',
        f"Else it takes over step by step ({', '.join(map(str, steps))} per cent), each with a look at its answers:",
        f'{update} --traffic "OLD={100 - first} $NEW={first}" ${{WHERE[*]}}',
        "OLD is what serves now. aml-deploy apply goes these steps, watches them and goes back by itself on errors;",
        "so does the program of aml-deploy export --to python.",
        "END",
        "",
    ]


def _texts(source: Source) -> list[str]:
    """The plan's values with references that the script uses."""
    keys = [item.key for item in FIELDS if item.key.partition(".")[0] in ("workspace", "endpoint", "deployment")]
    found = []
    for one in source.deployments():
        for key in keys:
            found += [text for text in data_collection.texts(one.value(key)) if has_reference(text)]
    return found
