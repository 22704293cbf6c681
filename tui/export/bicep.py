"""Exports a plan's prerequisites as Bicep: networks, private endpoints, DNS zones, workspace, roles, secrets.

The templates are the same for every plan; the plan's values are in the parameters file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.export.plan_source import Source, split, variable
from tui.export.targets import Export, ExportedFile
from tui.plan.endpoint_identity import listed
from tui.plan.load_save.references import has_reference

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def files(source: Source) -> Export:
    """main.bicep, its modules and main.bicepparam. Raises PlanInvalid."""
    made = [
        ExportedFile(path.relative_to(_TEMPLATES).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(_TEMPLATES.rglob("*.bicep"))
    ]
    made.append(ExportedFile("main.bicepparam", _parameters(source)))
    notes = [
        "Never compiled by the Bicep compiler and never deployed: build it and check what-if first.",
        "Set PRINCIPAL_OBJECT_ID to the object id of the service principal: az ad sp show --id CLIENT_ID --query id.",
    ]
    if any(one.written("deployment.autoscale.minimum") for one in source.deployments()):
        notes.append("Autoscale rules need their deployment first: aml-deploy apply sets them, az-yaml exports them.")
    return Export(made, notes)


def _parameters(source: Source) -> str:
    first = source.deployments()[0]
    legacy = first.value("deployment.egress_public_network_access") == "disabled"
    client_id = source.value("credential.client_id") or "${env:AZURE_CLIENT_ID}"
    tags = source.value("endpoint.tags") or {}
    lines = [
        "// Parameters of main.bicep, from the plan. Secrets are read from the environment when you deploy:",
        "//   az deployment group create --resource-group "
        + _word(source.value("workspace.resource_group"))
        + " --parameters main.bicepparam",
        "using 'main.bicep'",
        "",
        f"param workspaceName = {value(source.value('workspace.name'))}",
        "",
        "// The plan sets its deployment's egress flag, so the workspace must have legacy isolation."
        if legacy
        else "// The plan leaves outbound traffic to the workspace's managed virtual network.",
        f"param managedNetworkIsolation = {value('Disabled' if legacy else 'AllowInternetOutbound')}",
        "",
        "// Ids of existing networks; if empty, networks are created.",
        "param databricksNetworkId = ''",
        "param workspaceNetworkId = ''",
        "param privateEndpointSubnetId = ''",
        "",
        "// The service principal that deploys: az ad sp show --id CLIENT_ID --query id",
        "param principalObjectId = readEnvironmentVariable('PRINCIPAL_OBJECT_ID')",
        f"param clientId = {value(client_id)}",
        "param clientSecret = readEnvironmentVariable('AZURE_CLIENT_SECRET', '')",
        "",
        *_identity(source),
        f"param tags = {value(tags)}",
        "",
    ]
    return "\n".join(lines)


def _identity(source: Source) -> list[str]:
    """The parameter for the endpoint's user-assigned identity, which is assigned the roles that it needs."""
    if source.value("endpoint.identity.type") != "user_assigned":
        return []
    given = listed(source.value("endpoint.identity.user_assigned_identities") or ()) or [""]
    return ["// The endpoint's identity, which must exist.", f"param endpointIdentityId = {value(given[0])}", ""]


def _word(given: Any) -> str:
    return "GROUP" if has_reference(given) else str(given)


def value(given: Any) -> str:
    """A value in Bicep's syntax for parameters files; references are read from environment variables."""
    if isinstance(given, dict):
        inside = "".join(f"  {_literal(str(name))}: {value(item)}\n" for name, item in given.items())
        return f"{{\n{inside}}}" if given else "{}"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int):
        return str(given)
    if not has_reference(given):
        return _literal(str(given))
    parts = [
        _literal(text) if kind == "text" else f"readEnvironmentVariable({_literal(variable(kind, text))})"
        for kind, text in split(str(given))
    ]
    return parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("${", "\\${")
    return f"'{escaped}'"
