"""Fallbacks for a field's help: why the field matters, an example, and a link."""

from __future__ import annotations

from tui.plan.fields.field import Field

_ML = "https://learn.microsoft.com/azure/machine-learning/"
_ENDPOINT_YAML = f"{_ML}reference-yaml-endpoint-online"
_DEPLOYMENT_YAML = f"{_ML}reference-yaml-deployment-managed-online"

# By prefix of a field's key; the first match wins.
_LINKS: tuple[tuple[str, str], ...] = (
    ("credential.", "https://learn.microsoft.com/python/api/overview/azure/identity-readme"),
    ("workspace.", f"{_ML}concept-workspace"),
    ("endpoint.", _ENDPOINT_YAML),
    ("traffic", f"{_ML}how-to-safely-rollout-online-endpoints"),
    ("rollout.", f"{_ML}how-to-safely-rollout-online-endpoints"),
    ("deployment.model.", f"{_ML}how-to-manage-models"),
    ("deployment.environment.", f"{_ML}how-to-manage-environments-v2"),
    ("deployment.", _DEPLOYMENT_YAML),
    ("limits.", f"{_ML}how-to-troubleshoot-online-endpoints"),
    ("", f"{_ML}how-to-deploy-online-endpoints"),
)
_WHY: dict[str, str] = {
    "workspace.resource_group": "Azure identifies a workspace by subscription, group and name; several groups can have "
    "a workspace of the same name.",
    "endpoint.description": "It tells users of the portal what the endpoint is for.",
    "endpoint.tags": "Costs and searches can be grouped by tag.",
    "deployment.model.name": "All versions of a model share its name, so you can see which version serves.",
    "deployment.code_configuration.code": "It is uploaded with the model; the script's imports must be in this folder "
    "or in the environment.",
    "test.request": "The run ends with this request, so an endpoint counts as ready only if its model answers.",
    "deployment.environment.name": "The environment is registered under it; the same content is built only once.",
    "deployment.environment.registered": "Its image already exists, so nothing has to be built.",
    "deployment.model.version": "If empty, Azure assigns the next number, and content that is already registered is "
    "not uploaded again.",
    "deployment.model.description": "It tells users of the registry what the model does.",
    "deployment.model.tags": "Models can be searched by tag.",
    "deployment.environment_variables": "Settings can differ between test and production without another upload.",
    "deployment.app_insights_enabled": "It keeps requests and the container's output, even after a restart.",
    "deployment.description": "It tells the deployments of an endpoint apart.",
    "deployment.tags": "Costs and searches can be grouped by tag.",
    "deployment.data_collector.request_logging.capture_headers": "Only the headers named here are stored with the "
    "request; a header can identify the caller.",
    "rollout.probe_every": "With longer intervals, errors are noticed later.",
    "description": "It is shown in the list of presets and plans.",
}
_EXAMPLES: dict[str, str] = {
    "deployment.model.description": "Churn of bank customers, gradient boosting",
    "deployment.model.tags": "task=churn, owner=crm",
    "deployment.description": "three instances, model of November",
    "deployment.tags": "cost-centre=4711",
    "description": "Churn of bank customers with XGBoost",
}


_ROUTE_PORT = "Azure calls the container on this port; if it is wrong, the container never becomes ready."


def why(field: Field) -> str:
    """Why a field matters, in a sentence."""
    return field.help.why or _WHY.get(field.key, _ROUTE_PORT if field.key.endswith("_route.port") else "")


def example(field: Field) -> str:
    """An example value of a field."""
    return field.help.example or _EXAMPLES.get(field.key, "")


def link(field: Field) -> str:
    """The URL of a field's documentation."""
    return field.help.link or next(link for begin, link in _LINKS if field.key.startswith(begin))
