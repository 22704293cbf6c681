"""What a field's help falls back on where the field does not say it: why it matters here, where to read on."""

from __future__ import annotations

from tui.plan.fields.field import Field

_ML = "https://learn.microsoft.com/azure/machine-learning/"
_ENDPOINT_YAML = f"{_ML}reference-yaml-endpoint-online"
_DEPLOYMENT_YAML = f"{_ML}reference-yaml-deployment-managed-online"

# By the beginning of a field's key; the first that fits counts.
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
    "workspace.resource_group": "Azure finds a workspace by subscription, group and name; the same name may be used in "
    "several groups.",
    "endpoint.description": "Whoever finds the endpoint in the portal reads here what it is for.",
    "endpoint.tags": "Costs and searches can be grouped by them.",
    "deployment.model.name": "Versions of one model are kept under one name, so that it can be told what serves.",
    "deployment.code_configuration.code": "It is uploaded with the model; what the script imports must be in it or in "
    "the environment.",
    "test.request": "The run ends with this request, so that an endpoint is called ready only when its model answers.",
    "deployment.environment.name": "An environment is registered under it; the same content is not built twice.",
    "deployment.environment.registered": "Nothing has to be built: its image is there already.",
    "deployment.model.version": "Without it Azure counts on, and content that is registered already is not uploaded "
    "again.",
    "deployment.model.description": "Whoever finds the model in the registry reads here what it does.",
    "deployment.model.tags": "Models can be searched by them.",
    "deployment.environment_variables": "The scoring script can be told what differs between test and production "
    "without another upload.",
    "deployment.app_insights_enabled": "Requests and the container's output are kept there, also after a restart.",
    "deployment.description": "Whoever compares deployments of one endpoint reads here how they differ.",
    "deployment.tags": "Costs and searches can be grouped by them.",
    "deployment.data_collector.request_logging.capture_headers": "Only headers that are named here are kept beside the "
    "request; one of them may tell who asked.",
    "rollout.probe_every": "Too few of the program's own requests show an error late.",
    "description": "The list of presets and plans shows it.",
}
_EXAMPLES: dict[str, str] = {
    "deployment.model.description": "Churn of bank customers, gradient boosting",
    "deployment.model.tags": "task=churn, owner=crm",
    "deployment.description": "three instances, model of November",
    "deployment.tags": "cost-centre=4711",
    "description": "Churn of bank customers with XGBoost",
}


_ROUTE_PORT = "Azure calls the container there; with another port it never becomes ready."


def why(field: Field) -> str:
    """Why a field matters here, in a sentence."""
    return field.help.why or _WHY.get(field.key, _ROUTE_PORT if field.key.endswith("_route.port") else "")


def example(field: Field) -> str:
    """A value that a field may have."""
    return field.help.example or _EXAMPLES.get(field.key, "")


def link(field: Field) -> str:
    """Where to read more about a field."""
    return field.help.link or next(link for begin, link in _LINKS if field.key.startswith(begin))
