"""A step as commands of the Azure CLI and as the part of the plan it edits: the wizard teaches what it does."""

from __future__ import annotations

from typing import Any

from tui.app.store import Store
from tui.plan.document import denormalise
from tui.plan.fields import fields_of

_COMMENT = "# With the Azure CLI and its extension ml (version 2):"


def as_code(step: str, store: Store) -> str:
    """Commands and YAML of a step. References are kept as variables; secrets are never in it."""
    parts = [_COMMENT, "", *_commands(step, store)]
    tree = _part(step, store)
    if tree:
        import yaml

        parts += ["", "# In the plan:", yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=100).rstrip()]
    return "\n".join(parts)


def _shell(value: Any) -> str:
    """A value as a word of a shell command; a reference becomes the variable."""
    import shlex

    text = str(value)
    if text.startswith("${env:") and text.endswith("}"):
        return f'"${text[6:-1]}"'
    return shlex.quote(text)


def _part(step: str, store: Store) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for field in fields_of(step, advanced=True):
        value = store.document.get(field.key)
        if value is None or not store.document.asked(field.key):
            continue
        node = tree
        *parents, last = field.key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return denormalise(tree)


def _commands(step: str, store: Store) -> list[str]:
    def word(key: str) -> str:
        return _shell(store.value(key) or "")

    where = (
        f"  --subscription {word('workspace.subscription_id')} \\\n"
        f"  --resource-group {word('workspace.resource_group')} \\\n"
        f"  --workspace-name {word('workspace.name')}"
    )
    endpoint, deployment = word("endpoint.name"), word("deployment.name")
    if step == "credentials":
        return {
            "service_principal": [
                f"az login --service-principal --tenant {word('credential.tenant_id')} \\",
                f'  --username {word("credential.client_id")} --password "$AZURE_CLIENT_SECRET"',
            ],
            "managed_identity": ["az login --identity"],
        }.get(str(store.value("credential.method")), ["az login", "az account show"])
    if step == "workspace":
        return [
            f"az account set --subscription {word('workspace.subscription_id')}",
            f"az ml workspace show --resource-group {word('workspace.resource_group')} --name {word('workspace.name')}",
        ]
    if step == "endpoint":
        return ["az ml online-endpoint create --file endpoint.yml \\", where]
    if step == "model":
        return [
            f"az ml model create --name {word('deployment.model.name')} --path {word('deployment.model.path')} \\",
            f"  --type {word('deployment.model.type')} \\",
            where,
            "",
            f"az ml environment create --name {word('deployment.model.name')}-env \\",
            f"  --conda-file {word('deployment.environment.conda_file')} \\",
            f"  --image {word('deployment.environment.image')} \\",
            where,
        ]
    if step == "compute":
        return [
            "az ml compute list-sizes \\",
            where,
            "",
            "# Size and count are keys of the deployment:",
            f"az ml online-deployment create --file deployment.yml --endpoint-name {endpoint} \\",
            where,
        ]
    if step == "network":
        return [
            "# Inbound, an endpoint's flag; it can be changed later:",
            f"az ml online-endpoint update --name {endpoint} \\",
            f"  --set public_network_access={word('endpoint.public_network_access')} \\",
            where,
            "",
            "# Outbound, what the workspace's managed virtual network allows:",
            "az ml workspace outbound-rule list \\",
            where,
        ]
    if step in ("review", "deploy"):
        return [
            "az ml online-endpoint create --file endpoint.yml \\",
            where,
            "",
            "az ml online-deployment create --file deployment.yml --all-traffic \\",
            f"  --endpoint-name {endpoint} --name {deployment} \\",
            where,
            "",
            "az ml online-deployment get-logs --lines 100 \\",
            f"  --endpoint-name {endpoint} --name {deployment} \\",
            where,
        ]
    return [
        f"az ml online-endpoint invoke --name {endpoint} --deployment-name {deployment} \\",
        f"  --request-file {word('test.request')} \\",
        where,
    ]
