"""A one-page runbook of the endpoint: what it is, how to call, watch, roll back and remove it, what it costs."""

from __future__ import annotations

from datetime import date
from typing import Any

from tui.export.plan_source import Source, shell, split
from tui.export.targets import Export, ExportedFile
from tui.plan import data_collection
from tui.plan.endpoint_identity import listed
from tui.plan.load_save.references import has_reference
from tui.plan.sizes import find, price_note, price_per_hour, quota_needed
from tui.plan.traffic import in_words

HOURS = 730
"""A month, as Azure's pricing calculator counts it."""
REGIONS = (
    "eastus", "eastus2", "centralus", "southcentralus", "westus2", "westus3", "canadacentral", "brazilsouth",
    "northeurope", "westeurope", "uksouth", "francecentral", "germanywestcentral", "swedencentral", "switzerlandnorth",
    "australiaeast", "japaneast", "southeastasia", "centralindia", "koreacentral",
)  # fmt: skip
"""The plan does not say where its workspace is, so the regions that the table has a price for are shown."""
MOST_REGIONS = 6
AUTH = {
    "key": (
        "a key of the endpoint",
        "az ml online-endpoint get-credentials -n $ENDPOINT $WHERE --query primaryKey -o tsv",
    ),
    "aml_token": (
        "a token of the workspace, which expires",
        "az ml online-endpoint get-credentials -n $ENDPOINT $WHERE --query accessToken -o tsv",
    ),
    "aad_token": (
        "a Microsoft Entra token",
        "az account get-access-token --resource https://ml.azure.com --query accessToken -o tsv",
    ),
}


def files(source: Source) -> Export:
    """RUNBOOK.md. Raises PlanInvalid."""
    deployments = source.deployments()
    endpoint = str(source.value("endpoint.name"))
    parts = [
        f"# Runbook: {_word(endpoint)}",
        _about(source),
        "## What it is",
        _facts(source, deployments),
        "## Where the commands work",
        _place(source),
        "## Call it",
        _call(source),
        "## Keep URI and key in a Key Vault",
        _keep(source),
        "## Watch it",
        _watch(deployments),
        "## Roll back",
        _roll_back(),
        "## Change it",
        "With the plan: `aml-deploy check PLAN`, then `aml-deploy apply PLAN --yes`. What is unchanged is left alone.",
        "## Remove it",
        _remove(),
        "## What it costs",
        _costs(deployments),
    ]
    return Export([ExportedFile("RUNBOOK.md", "\n\n".join(parts) + "\n")], [])


def _word(given: Any) -> str:
    """A value for people; a reference shows the variable it is taken from."""
    if not has_reference(given):
        return str(given)
    return "".join(text if kind == "text" else f"${text}" for kind, text in split(str(given)))


def _about(source: Source) -> str:
    text = str(source.value("description") or "A model behind a managed online endpoint of Azure Machine Learning")
    return f"{text.rstrip('.')}. Written by aml-deploy on {date.today().isoformat()} from the plan, not from Azure."


def _facts(source: Source, deployments: list[Source]) -> str:
    private = source.value("endpoint.public_network_access") == "disabled"
    rows = [
        ("Workspace", f"{_word(source.value('workspace.name'))}, {_word(source.value('workspace.resource_group'))}"),
        ("Subscription", _word(source.value("workspace.subscription_id"))),
        ("Reachable", "only through the workspace's private endpoint" if private else "from the internet"),
        ("Callers sign in with", AUTH[str(source.value("endpoint.auth_mode"))][0]),
        ("Identity", _identity(source)),
        ("Requests go to", in_words(source.traffic(), none="", zeros=True)),
    ]
    for one in deployments:
        name = _word(one.value("deployment.name"))
        size, count = one.value("deployment.instance_type"), one.value("deployment.instance_count")
        model = one.registered_model() or one.value("deployment.model.name") or one.value("deployment.model.path")
        rows.append((f"Deployment {name}", f"{_word(model)} on {_word(count)} × {_word(size)}"))
        timeout = one.value("deployment.request_settings.request_timeout_ms")
        at_once = one.value("deployment.request_settings.max_concurrent_requests_per_instance")
        rows.append((f"Limits of {name}", f"{_word(timeout)} ms a request, {_word(at_once)} at once on an instance"))
        rows += _less_usual(one, name)
    return "\n".join(["| | |", "|---|---|", *[f"| {name} | {text} |" for name, text in rows]])


def _identity(source: Source) -> str:
    if source.value("endpoint.identity.type") != "user_assigned":
        return "one of its own, made by Azure with the endpoint (system-assigned)"
    given = listed(source.value("endpoint.identity.user_assigned_identities") or ()) or []
    return f"{', '.join(map(_word, given))} (user-assigned; it needs Storage Blob Data Reader and AcrPull)"


def _less_usual(one: Source, name: str) -> list[tuple[str, str]]:
    """What is collected, Application Insights, and a container of its own."""
    rows = []
    prefix = "deployment.data_collector"
    collected = [key for key, item in data_collection.as_az(one.value(f"{prefix}.collections") or {}).items()
                 if item["enabled"] == "True"]  # fmt: skip
    if collected:
        share = one.value(f"{prefix}.sampling_rate")
        words = f"{', '.join(collected)}; {_word(1 if share is None else share)} of the requests"
        rows.append((f"Collected by {name}", f"{words}, in the workspace's storage"))
    if one.value("deployment.app_insights_enabled") is True:
        rows.append((f"Watched on {name}", "requests and traces go to the workspace's Application Insights"))
    environment = "deployment.environment"
    if one.value(f"{environment}.build.path"):
        dockerfile = one.value(f"{environment}.build.dockerfile_path") or "Dockerfile"
        rows.append(
            (f"Image of {name}", f"built by Azure from {dockerfile} in {one.path(f'{environment}.build.path')}")
        )
    route = one.document.get(f"{environment}.inference_config.scoring_route")
    if route:
        rows.append(
            (f"Container of {name}", f"its own server, asked at {route.get('path')} on port {route.get('port')}")
        )
    return rows


def _place(source: Source) -> str:
    where = source.value("endpoint.public_network_access") == "disabled"
    network = "From a machine in the network (a call from outside fails to connect or is refused). " if where else ""
    keys = (("SUBSCRIPTION", "subscription_id"), ("GROUP", "resource_group"), ("WORKSPACE", "name"))
    lines = [f"{name}={shell(source.value(f'workspace.{key}'))}" for name, key in keys]
    lines.append(f"ENDPOINT={shell(source.value('endpoint.name'))}")
    lines.append('WHERE="--subscription $SUBSCRIPTION --resource-group $GROUP --workspace-name $WORKSPACE"')
    return f"{network}With the Azure CLI, its extension `ml`, and a sign-in (`az login`):\n\n{_block(lines)}"


def _call(source: Source) -> str:
    request = source.path("test.request")
    body = f"@{shell(request)}" if request else "'{\"input_data\": []}'"
    how = AUTH[str(source.value("endpoint.auth_mode"))][1]
    return _block(
        [
            "URI=$(az ml online-endpoint show -n $ENDPOINT $WHERE --query scoring_uri -o tsv)",
            f"export AML_ENDPOINT_KEY=$({how})",
            'curl --fail-with-body -H "Authorization: Bearer $AML_ENDPOINT_KEY" -H "Content-Type: application/json" \\',
            f'  --data {body} "$URI"',
            "# One deployment, whatever the traffic says: -H 'azureml-model-deployment: NAME'",
        ]
    ) + (
        "\n\n401: the key or token is wrong. 404: no traffic. 408: slower than the time-out. "
        "424: the model's code failed; look into its log. 429: too many requests at once."
    )


def _keep(source: Source) -> str:
    if source.value("endpoint.auth_mode") != "key":
        return "Tokens expire, so there is nothing to keep: callers ask for one when they need it."
    lines = [
        'az keyvault secret set --vault-name "$VAULT" --name "$ENDPOINT-uri" --value "$URI" --output none',
        'printf %s "$AML_ENDPOINT_KEY" | az keyvault secret set --vault-name "$VAULT" --name "$ENDPOINT-key" \\',
        "  --file /dev/stdin --encoding utf-8 --output none",
        "az ml online-endpoint regenerate-keys -n $ENDPOINT $WHERE --key-type primary   # then store it again",
    ]
    return _block(lines)


def _watch(deployments: list[Source]) -> str:
    names = [_word(one.value("deployment.name")) for one in deployments]
    lines = ["az ml online-endpoint show -n $ENDPOINT $WHERE --query '{state:provisioning_state,traffic:traffic}'"]
    lines += [f"az ml online-deployment get-logs -e $ENDPOINT -n {name} $WHERE --lines 200" for name in names]
    lines.append("aml-deploy explain FILE   # what an error text or a log means, and what to do")
    metrics = "RequestLatency_P95, RequestsPerMinute and CpuUtilizationPercentage"
    return _block(lines) + f"\n\nMetrics such as {metrics}: in the portal, the endpoint, Monitoring."


def _roll_back() -> str:
    return _block(
        [
            "aml-deploy rollback $ENDPOINT            # to the split before the last change",
            "az ml online-endpoint update -n $ENDPOINT $WHERE --traffic blue=100   # by hand; together 100",
        ]
    )


def _remove() -> str:
    return (
        _block(
            [
                "aml-deploy remove PLAN                    # what the plan made, and nothing else",
                "az ml online-endpoint delete -n $ENDPOINT $WHERE --yes   # or the endpoint with all its deployments",
            ]
        )
        + "\n\nRegistered models and environments stay; they cost storage only."
    )


def _costs(deployments: list[Source]) -> str:
    lines = ["| deployment | region | an hour | a month (730 h) |", "|---|---|---|---|"]
    notes = []
    for one in deployments:
        name, size = _word(one.value("deployment.name")), str(one.value("deployment.instance_type"))
        count = one.value("deployment.instance_count")
        known = find(size)
        if not isinstance(count, int) or known is None:
            lines.append(f"| {name} | | not known | not known |")
            continue
        priced = [(region, price_per_hour(size, region)) for region in REGIONS]
        for region, price in [(region, price * count) for region, price in priced if price][:MOST_REGIONS]:
            lines.append(f"| {name}, {count} × {size} | {region} | {price:.3f} USD | {price * HOURS:.0f} USD |")
        notes.append(f"{name} takes {quota_needed(known, count)} cores of the quota of {known.family}.")
    if not any("USD" in line for line in lines):
        notes.append("The table of prices has none for this size.")
    notes.append(price_note())
    notes.append(
        "It costs as long as the deployment is there, also without requests. Beside it: each private endpoint by the "
        "hour and by gigabyte, the registry (Premium where it is private), storage, logs, and, in a managed virtual "
        "network with approved outbound only, an Azure Firewall once a rule by name is used."
    )
    return "\n".join(lines) + "\n\n" + " ".join(notes)


def _block(lines: list[str]) -> str:
    return "\n".join(["```sh", *lines, "```"])
