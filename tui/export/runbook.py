"""Exports a one-page runbook of the endpoint: what it is, how to call, monitor, roll back and remove it, its cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tui.export import autoscale
from tui.export.fill_template import filled, template
from tui.export.plan_source import Source, shell, split
from tui.export.targets import Export, ExportedFile
from tui.plan import data_collection
from tui.plan.endpoint_identity import listed
from tui.plan.load_save.references import has_reference
from tui.plan.sizes import find, price_note, price_per_hour, quota_needed
from tui.plan.traffic import in_words

HOURS = 730
"""Hours of a month, as in Azure's pricing calculator."""
REGIONS = (
    "eastus", "eastus2", "centralus", "southcentralus", "westus2", "westus3", "canadacentral", "brazilsouth",
    "northeurope", "westeurope", "uksouth", "francecentral", "germanywestcentral", "swedencentral", "switzerlandnorth",
    "australiaeast", "japaneast", "southeastasia", "centralindia", "koreacentral",
)  # fmt: skip
"""The regions shown: the plan does not contain the workspace's region, so those with a price in the table."""
MOST_REGIONS = 6
_ABOUT = "A model behind a managed online endpoint of Azure Machine Learning"
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
    """The runbook, RUNBOOK.md. Raises PlanInvalid."""
    deployments = source.deployments()
    mode = str(source.value("endpoint.auth_mode"))
    signs_in_with, key_command = AUTH.get(mode, (f"a key or a token: {_word(mode)} says which", AUTH["key"][1]))
    request = source.path("test.request")
    prices, quota = _costs(deployments)
    values = {
        "endpoint": _word(source.value("endpoint.name")),
        "about": str(source.value("description") or _ABOUT).rstrip("."),
        "today": date.today().isoformat(),
        "workspace": _word(source.value("workspace.name")),
        "resource_group": _word(source.value("workspace.resource_group")),
        "subscription": _word(source.value("workspace.subscription_id")),
        "private": source.value("endpoint.public_network_access") == "disabled",
        "signs_in_with": signs_in_with,
        "identity": _identity(source),
        "traffic": in_words(source.traffic(), none="", zeros=True),
        "deployments": "\n".join(f"| {name} | {text} |" for one in deployments for name, text in _facts(one)),
        "shell_subscription": shell(source.value("workspace.subscription_id")),
        "shell_group": shell(source.value("workspace.resource_group")),
        "shell_workspace": shell(source.value("workspace.name")),
        "shell_endpoint": shell(source.value("endpoint.name")),
        "key_command": key_command,
        "kind": source.request_type(),
        "body": f"@{shell(request)}" if request else "'{\"input_data\": []}'",
        "with_key": mode not in ("aml_token", "aad_token"),
        "log_commands": "\n".join(
            f"az ml online-deployment get-logs -e $ENDPOINT -n {_word(one.value('deployment.name'))} $WHERE --lines 200"
            for one in deployments
        ),
        "prices": "\n".join(prices),
        "quota": " ".join(quota),
    }
    return Export([ExportedFile("RUNBOOK.md", filled(template("RUNBOOK.md"), values))], [])


def _word(given: Any) -> str:
    """A value as text; a reference as its variable."""
    if not has_reference(given):
        return str(given)
    return "".join(text if kind == "text" else f"${text}" for kind, text in split(str(given)))


def _facts(one: Source) -> Iterator[tuple[str, str]]:
    """A deployment's facts: model, size and limits, data collection, and its own container if any."""
    name = _word(one.value("deployment.name"))
    size, count = one.value("deployment.instance_type"), one.value("deployment.instance_count")
    model = one.registered_model() or one.value("deployment.model.name") or one.value("deployment.model.path")
    model = model or "no model of its own"
    yield f"Deployment {name}", f"{_word(model)} on {_word(count)} × {_word(size)}"
    timeout = one.value("deployment.request_settings.request_timeout_ms")
    at_once = one.value("deployment.request_settings.max_concurrent_requests_per_instance")
    yield f"Limits of {name}", f"{_word(timeout)} ms per request, {_word(at_once)} concurrent requests per instance"
    rules = autoscale.of(one)
    if rules:
        yield f"Autoscale of {name}", autoscale.in_words(rules)
    prefix = "deployment.data_collector"
    collections = data_collection.as_az(one.value(f"{prefix}.collections") or {})
    collected = [key for key, item in collections.items() if item["enabled"] == "True"]
    if collected:
        share = one.value(f"{prefix}.sampling_rate")
        words = f"{', '.join(collected)}; {_word(1 if share is None else share)} of requests"
        yield f"Data collected by {name}", f"{words}, in the workspace's storage"
    if one.value("deployment.app_insights_enabled") is True:
        yield f"Monitoring of {name}", "requests and traces go to the workspace's Application Insights"
    environment = "deployment.environment"
    if one.value(f"{environment}.build.path"):
        dockerfile = one.value(f"{environment}.build.dockerfile_path") or "Dockerfile"
        yield f"Image of {name}", f"built by Azure from {dockerfile} in {one.path(f'{environment}.build.path')}"
    route = one.document.get(f"{environment}.inference_config.scoring_route")
    if route:
        yield f"Container of {name}", f"its own server, scoring route {route.get('path')} on port {route.get('port')}"


def _identity(source: Source) -> str:
    if source.value("endpoint.identity.type") != "user_assigned":
        return "its own, created by Azure with the endpoint (system-assigned)"
    given = listed(source.value("endpoint.identity.user_assigned_identities") or ()) or []
    return f"{', '.join(map(_word, given))} (user-assigned; it needs Storage Blob Data Reader and AcrPull)"


def _costs(deployments: list[Source]) -> tuple[list[str], list[str]]:
    """The rows of the price table, and sentences about quota and prices."""
    rows, notes = [], []
    for one in deployments:
        name, size = _word(one.value("deployment.name")), str(one.value("deployment.instance_type"))
        count = one.value("deployment.instance_count")
        known = find(size)
        if not isinstance(count, int) or known is None:
            rows.append(f"| {name} | | unknown | unknown |")
            continue
        priced = [(region, price_per_hour(size, region)) for region in REGIONS]
        for region, price in [(region, price * count) for region, price in priced if price][:MOST_REGIONS]:
            rows.append(f"| {name}, {count} × {size} | {region} | {price:.3f} USD | {price * HOURS:.0f} USD |")
        notes.append(f"{name} needs {quota_needed(known, count)} cores of the quota of {known.family}.")
    if not any("USD" in row for row in rows):
        notes.append("The price table has no price for this size.")
    return rows, [*notes, price_note()]
