"""Fills in the commands of findings with the names that were read."""

from __future__ import annotations

import re
from dataclasses import replace

from tui.checks.finding import Finding
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.common.az_command import filled
from tui.plan.model import Plan
from tui.plan.planned_changes import short_id

# Where a failure's own lines name one of these, it is that one, otherwise the workspace's.
_HOSTS = {
    "REGISTRY": re.compile(r"([\w-]+)\.azurecr\.\w+"),
    "ACCOUNT": re.compile(r"([a-z0-9]+)\.blob\.core\."),
    "VAULT": re.compile(r"([\w-]+)\.vault\.azure\."),
}
_IDS = {"REGISTRY": "REGISTRY-ID", "ACCOUNT": "STORAGE-ACCOUNT-ID", "VAULT": "VAULT-ID"}
_OUR_COMMAND = re.compile(r"aml-deploy [a-z].*$")


def filled_in(found: Finding, plan: Plan, snapshot: Snapshot) -> Finding:
    """The finding with what is known in its commands, and in those within its remedy and its request."""
    names = known(found, plan, snapshot)

    def command(text: str) -> str:
        own = dict(names)
        if " ml model " in text:
            own["MODEL"], _, own["VERSION"] = names["model"].partition(":")
        if " autoscale " in text:
            own["NAME"] = names["autoscale"]
        text = text.replace(" WHERE", f" {names['where']}") if text.startswith("aml-deploy") else text
        return filled(text, own)

    lines = [_OUR_COMMAND.sub(lambda one: command(one[0]), line) for line in found.remedy.split("\n")]
    request = found.request
    for one in found.commands:
        request = request.replace(one, command(one))
    return replace(found, commands=tuple(map(command, found.commands)), remedy="\n".join(lines), request=request)


def known(found: Finding, plan: Plan, snapshot: Snapshot) -> dict[str, str]:
    """What the words in capitals of a finding's commands stand for, as far as it was read."""
    workspace, info, who, endpoint = plan.workspace, snapshot.workspace, snapshot.who, snapshot.endpoint
    one = next((each for each in endpoint.deployments if each.name == found.deployment), None) if endpoint else None
    rules = [rule.name for rule in snapshot.autoscale if found.deployment in ("", rule.deployment)]
    names = {
        "ENDPOINT": snapshot.name,
        "DEPLOYMENT": found.deployment,
        "WORKSPACE": workspace.name,
        "WORKSPACE-ID": workspace.id,
        "SCOPE": workspace.id,
        "GROUP": workspace.resource_group,
        "RESOURCE-GROUP": workspace.resource_group,
        "SUBSCRIPTION": workspace.subscription_id,
        "LOCATION": endpoint.location if endpoint else "",
        "PRINCIPAL-ID": _principal(snapshot),
        "PRINCIPAL": (who and who.object_id) or "",
        "CLIENT-ID": plan.credential.client_id or (who and who.client_id) or "",
        "TENANT-ID": plan.credential.tenant_id or (who and who.tenant) or "",
        "ENVIRONMENT": str(short_id(one.environment) or "").partition(":")[0] if one else "",
        "model": str(short_id(one.model) or "") if one else "",
        "autoscale": rules[0] if len(rules) == 1 else "",
        "where": f"--subscription {workspace.subscription_id} --resource-group {workspace.resource_group} "
        f"--workspace {workspace.name}",
    }
    own = (
        {"REGISTRY": info.container_registry, "ACCOUNT": info.storage_account, "VAULT": info.key_vault} if info else {}
    )
    for kind, pattern in _HOSTS.items():
        identifier = own.get(kind) or ""
        mine = identifier.rpartition("/")[2]
        named = {host.lower() for line in found.evidence for host in pattern.findall(line)}
        names[kind] = named.pop() if len(named) == 1 else "" if named else mine
        names[_IDS[kind]] = identifier if names[kind] == mine.lower() or names[kind] == mine else ""
    return names


def _principal(snapshot: Snapshot) -> str:
    """The object id of the endpoint's identity, if it has only one."""
    identity = (snapshot.endpoint.identity if snapshot.endpoint else None) or {}
    assigned = [one.get("principalId") for one in (identity.get("userAssignedIdentities") or {}).values() if one]
    ids = [one for one in (identity.get("principalId"), *assigned) if one]
    return str(ids[0]) if len(ids) == 1 else ""
