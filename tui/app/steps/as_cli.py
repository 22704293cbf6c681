"""Shows a step as Azure CLI commands and as the YAML it edits, so that users learn what the wizard does."""

from __future__ import annotations

import copy
import re
import shlex
from typing import Any

from tui.app.state.store import Store
from tui.app.steps import az_files
from tui.common.request_body import JSON, content_type
from tui.plan.fields.all_fields import fields_of
from tui.plan.fields.sources import is_registered
from tui.plan.load_save.document import Document, denormalise
from tui.plan.load_save.references import REFERENCE
from tui.plan.rules.value_rules import steps_of

_COMMENT = "# With the Azure CLI and its ml extension (version 2):"
# The keys of deployment.yml that each step edits.
_PARTS = {
    "model": ("model", "code_configuration", "environment"),
    "compute": (
        "instance_type", "instance_count", "request_settings", "environment_variables", "app_insights_enabled",
        "liveness_probe", "readiness_probe",
    ),
    "network": ("egress_public_network_access",),
}  # fmt: skip


def as_code(step: str, store: Store) -> str:
    """Return the commands and YAML of a step. References become shell variables in commands; secrets never appear."""
    store = copy.copy(store)
    store.document = store.to_save()  # as in the plan's file: without the rehearsal's identity
    parts = [_COMMENT, "", *_Commands(store).of(step)]
    for name, tree in _files(step, store):
        parts += ["", f"# {name}:", _yaml(tree)]
    tree = _part(step, store)
    if tree:
        parts += ["", "# In the plan:", _yaml(tree)]
    return "\n".join(parts)


def _yaml(tree: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=100).rstrip()


def _files(step: str, store: Store) -> list[tuple[str, dict[str, Any]]]:
    """Return the files that a step's commands read, or the part of them that the step edits."""
    if step == "endpoint":
        return [("endpoint.yml", az_files.endpoint(store))]
    if step in ("review", "deploy"):
        return [("endpoint.yml", az_files.endpoint(store)), *az_files.deployments(store)]
    if step in _PARTS:
        whole = az_files.deployment(store)
        part = {name: whole[name] for name in _PARTS[step] if name in whole}
        return [("deployment.yml, the part edited in this step", part)] if part else []
    return []


def _part(step: str, store: Store) -> dict[str, Any]:
    part = Document()
    for field in fields_of(step, advanced=True):
        value = store.document.get(field.key)
        if value is not None and store.document.asked(field.key) and (field.kind != "secret" or "${" in str(value)):
            part.set(field.key, value, "")
    return denormalise(part.tree)


def shell_word(value: Any) -> str:
    """Return a value quoted for a shell command; environment references become shell variables."""
    text = str(value)
    if "${env:" not in text:
        return shlex.quote(text)
    kept = REFERENCE.split(text)  # text, kind, name, text, kind, name, …, text
    words = [re.sub(r'([\\"$`])', r"\\\1", kept[0])]
    for kind, name, rest in zip(kept[1::3], kept[2::3], kept[3::3]):
        words.append(f"${{{name}}}" if kind == "env" else f"\\${{{kind}:{name}}}")
        words.append(re.sub(r'([\\"$`])', r"\\\1", rest))
    joined = "".join(words)
    # A variable at the end of the word needs no braces.
    return f'"{joined}"' if not re.fullmatch(r"\$\{\w+\}", joined) else f'"${joined[2:-1]}"'


class _Commands:
    """Builds the commands of each step for a plan."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.where = (
            f"  --subscription {self.word('workspace.subscription_id')} \\\n"
            f"  --resource-group {self.word('workspace.resource_group')} \\\n"
            f"  --workspace-name {self.word('workspace.name')}"
        )

    def word(self, key: str) -> str:
        return shell_word(self.store.value(key) or "")

    def written(self, key: str) -> str:
        return str(self.store.value(key) or "")

    def of(self, step: str) -> list[str]:
        commands: list[str] = getattr(self, step, self.everything)()  # Review and Deploy are about everything
        return commands

    def credentials(self) -> list[str]:
        secret = self.written("credential.client_secret")
        password = shell_word(secret) if secret.startswith("${env:") else '"$AZURE_CLIENT_SECRET"'
        client = self.word("credential.client_id")
        found = {
            "service_principal": [
                f"az login --service-principal --tenant {self.word('credential.tenant_id')} \\",
                f"  --username {client} --password {password}",
            ],
            "managed_identity": [
                f"az login --identity --client-id {client}" if self.written("credential.client_id") else
                "az login --identity"
            ],
        }  # fmt: skip
        return [*found.get(self.written("credential.method"), ["az login"]), "az account show"]

    def workspace(self) -> list[str]:
        return [
            f"az account set --subscription {self.word('workspace.subscription_id')}",
            f"az ml workspace show --resource-group {self.word('workspace.resource_group')} \\",
            f"  --name {self.word('workspace.name')} \\",
            '  --query "{location: location, public: public_network_access, managed: managed_network}"',
        ]

    def endpoint(self) -> list[str]:
        return [
            "az ml online-endpoint create --file endpoint.yml \\",
            self.where,
            "",
            "# What already exists:",
            f"az ml online-endpoint show --name {self.word('endpoint.name')} \\",
            self.where,
        ]

    def model(self) -> list[str]:
        lines = []
        path = self.written("deployment.model.path")
        registered = re.match(r"azureml:([^:@/]+)(?::([^:@]+))?", path)
        if not path:
            lines += ["# No model is registered: the image or the scoring script has it."]
        elif registered:
            name, version = registered.groups()
            which = f"--version {shlex.quote(version)}" if version else "--label latest"
            lines += [f"az ml model show --name {shlex.quote(name)} {which} \\", self.where]
        elif not is_registered(path):
            lines += [
                f"az ml model create --name {self.word('deployment.model.name')} \\",
                f"  --path {self.word('deployment.model.path')} --type {self.word('deployment.model.type')} \\",
                self.where,
            ]
        conda, image = self.written("deployment.environment.conda_file"), self.written("deployment.environment.image")
        environment = self.written("deployment.environment.registered")
        if environment:
            name, _, version = environment.partition("azureml:")[2].partition(":")
            which = f"--version {shlex.quote(version)}" if version else "--label latest"
            name = name.partition("@")[0]
            lines += ["", f"az ml environment show --name {shlex.quote(name or environment)} {which} \\", self.where]
        elif conda or image:
            named = self.written("deployment.model.name") or self.written("endpoint.name")
            name = self.written("deployment.environment.name") or f"{named}-env"
            lines += ["", f"az ml environment create --name {shell_word(name)} \\"]
            lines += [f"  --conda-file {shell_word(conda)} \\"] if conda else []
            lines += [f"  --image {shell_word(image)} \\"] if image else []
            lines += [self.where]
        return lines

    def compute(self) -> list[str]:
        workspace = self.store.facts.get("workspace") or {}
        region = shlex.quote(str(workspace.get("location") or "REGION"))
        subscription = self.store.value("workspace.subscription_id") or "SUBSCRIPTION"
        usages = shell_word(
            f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/"
            f"{region}/usages?api-version=2024-04-01"
        )
        return [
            f"az ml compute list-sizes --location {region} \\",
            self.where,
            "",
            "# Quota used and quota left:",
            f"az rest --method get --url {usages}",
            "",
            "# Change the number of instances of an existing deployment:",
            f"az ml online-deployment update --name {self.word('deployment.name')} \\",
            f"  --endpoint-name {self.word('endpoint.name')} \\",
            f"  --set instance_count={self.word('deployment.instance_count')} \\",
            self.where,
        ]

    def network(self) -> list[str]:
        lines = [
            "# Who may call the endpoint (can be changed later):",
            f"az ml online-endpoint update --name {self.word('endpoint.name')} \\",
            f"  --set public_network_access={self.word('endpoint.public_network_access')} \\",
            self.where,
        ]
        workspace = self.store.facts.get("workspace") or {}
        if workspace.get("isolation") != "legacy":
            lines += [
                "",
                "# What deployments may reach: the rules of the workspace's managed virtual network.",
                "az ml workspace outbound-rule list \\",
                self.where,
            ]
        return lines

    def everything(self) -> list[str]:
        endpoint = self.word("endpoint.name")
        made = az_files.deployments(self.store)
        lines = ["az ml online-endpoint create --file endpoint.yml \\", self.where, ""]
        for name, _ in made:
            lines += [f"az ml online-deployment create --file {shlex.quote(name)} \\", self.where, ""]
        target = str(made[-1][1].get("name") or "")
        lines += self.shifting(endpoint, target)
        return [
            *lines,
            f"az ml online-deployment get-logs --name {shlex.quote(target)} --endpoint-name {endpoint} --lines 100 \\",
            self.where,
        ]

    def shifting(self, endpoint: str, target: str) -> list[str]:
        """Return the commands that shift traffic: at once, or in steps after a test call of the new deployment."""
        shares, mirrored = (self.store.document.get(key) for key in ("traffic", "mirror_traffic"))
        final = _split(shares) if isinstance(shares, dict) and shares else f"{target}=100"
        if not self.store.document.get("rollout"):
            lines = self.update(endpoint, "traffic", final)
            return lines + (self.update(endpoint, "mirror-traffic", _split(mirrored)) if mirrored else [])
        steps = steps_of(self.store.value("rollout.steps") or (10, 50, 100)) or (100,)
        lines = [f"# {target} takes over the traffic; test it first:", *self.invoke(endpoint, target), ""]
        if mirrored:
            lines += ["# Mirrored traffic first; callers never see its responses:"]
            lines += self.update(endpoint, "mirror-traffic", _split(mirrored))
            lines += self.update(endpoint, "mirror-traffic", _split(dict.fromkeys(mirrored, 0)))
        lines += ["# Then in steps; check errors and latency before each step. The current deployment:", "OLD=blue"]
        for step in steps[:-1]:
            lines += self.update(endpoint, "traffic", f"$OLD={100 - step} {target}={step}")
        return [*lines, *self.update(endpoint, "traffic", final), "# To roll back at any time:",
                *self.update(endpoint, "traffic", f"$OLD=100 {target}=0")]  # fmt: skip

    def update(self, endpoint: str, what: str, split: str) -> list[str]:
        """Return a command that changes the traffic or the mirrored traffic (`what`)."""
        quoted = f'"{split}"' if "$" in split else shlex.quote(split)
        return [f"az ml online-endpoint update --name {endpoint} --{what} {quoted} \\", self.where, ""]

    def invoke(self, endpoint: str, deployment: str) -> list[str]:
        """Return a test call of one deployment."""
        sample = self.written("test.request")
        if content_type(sample, b"{") != JSON:  # by the name only: a slow mount must not block the screen
            call = f"aml-deploy invoke {endpoint} --deployment {shlex.quote(deployment)} \\"
            where = self.where.replace("--workspace-name", "--workspace")
            return ["# az ml sends JSON only:", call, f"  --request {self.word('test.request')} \\", where]
        return [
            f"az ml online-endpoint invoke --name {endpoint} \\",
            f"  --deployment-name {shlex.quote(deployment)} \\",
            f"  --request-file {self.word('test.request')} \\",
            self.where,
        ]

    def test(self) -> list[str]:
        return self.invoke(self.word("endpoint.name"), str(az_files.deployments(self.store)[-1][1].get("name") or ""))


def _split(shares: Any) -> str:
    """Format a traffic split for `az ml`: blue=90 green=10."""
    return " ".join(f"{name}={share}" for name, share in shares.items()) if isinstance(shares, dict) else ""
