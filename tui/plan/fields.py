"""Every field of the plan as data: where it is asked, how it is checked, how it is explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui.plan import rules


@dataclass(frozen=True)
class Help:
    """What a field is, why it matters here, an example, and where to read more."""

    what: str
    why: str = ""
    example: str = ""
    link: str = ""


@dataclass(frozen=True)
class Field:
    """One value of the plan.

    `key` is its dotted path in the YAML, `kind` one of text, choice, number, secret, path, bool, map.
    `only_if` is (key, values): the field is asked only when that other field has one of these values.
    """

    key: str
    step: str
    label: str
    help: Help
    kind: str = "text"
    rule: rules.Rule = rules.text
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    advanced: bool = False
    only_if: tuple[str, tuple[str, ...]] | None = None
    must_exist: str = ""  # "file", "folder" or "any", for paths

    def parse(self, typed: str) -> Any:
        """The value that a typed text stands for; the text itself where it is not of the field's kind."""
        stripped = typed.strip()
        if stripped == "" or "${" in stripped:
            return stripped or None
        if self.kind == "number":
            try:
                return int(stripped)
            except ValueError:
                return stripped
        if self.kind == "bool":
            return {"true": True, "yes": True, "false": False, "no": False}.get(stripped.lower(), stripped)
        if self.kind == "map":
            return _parse_map(stripped)
        return stripped

    def show(self, value: Any) -> str:
        """The text that stands for a value in a form; never called for a secret's value."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dict):
            return ", ".join(f"{name}={item}" for name, item in value.items())
        return str(value)

    def check(self, value: Any) -> str | None:
        """None, or a sentence that says what is wrong with a value and what would be right."""
        if value is None or value == "":
            return f"{self.label} is needed here." if self.required else None
        if isinstance(value, str) and "${" in value:
            return None  # a reference is checked when it is resolved
        if self.kind == "secret":
            return "A secret is not written into a plan; use a reference such as ${env:AZURE_CLIENT_SECRET}."
        return self.rule(value)


def _parse_map(typed: str) -> Any:
    """`a=1, b=2` as a map; whole numbers become numbers. What is not of that form stays a text."""
    result: dict[str, Any] = {}
    for part in typed.split(","):
        name, sign, item = part.partition("=")
        if not sign or not name.strip():
            return typed
        item = item.strip()
        result[name.strip()] = int(item) if item.isdigit() else item
    return result


STEPS: tuple[tuple[str, str], ...] = (
    ("credentials", "Credentials"),
    ("workspace", "Workspace"),
    ("endpoint", "Endpoint"),
    ("model", "Model"),
    ("compute", "Compute"),
    ("network", "Network"),
    ("review", "Review"),
    ("deploy", "Deploy"),
    ("test", "Test"),
)

_LEARN = "https://learn.microsoft.com/azure/machine-learning/"
_SERVICE_PRINCIPAL = ("credential.method", ("service_principal",))
_OWN_APP = ("credential.method", ("service_principal", "managed_identity"))
METHODS = ("default", "service_principal", "managed_identity", "azure_cli")
SWITCH = ("enabled", "disabled")

FIELDS: tuple[Field, ...] = (
    Field(
        "credential.method",
        "credentials",
        "Sign in with",
        Help(
            "Where the identity that deploys comes from.",
            "`default` tries the environment, a managed identity and the Azure CLI, in Azure's own order.",
            "service_principal",
            "https://learn.microsoft.com/python/api/overview/azure/identity-readme",
        ),
        kind="choice",
        choices=METHODS,
        rule=rules.one_of(METHODS),
        default="default",
    ),
    Field(
        "credential.tenant_id",
        "credentials",
        "Tenant",
        Help(
            "The Microsoft Entra tenant of the service principal.",
            "A token is only valid in one tenant.",
            "${env:AZURE_TENANT_ID}",
        ),
        rule=rules.tenant,
        required=True,
        only_if=_SERVICE_PRINCIPAL,
        default="${env:AZURE_TENANT_ID}",
    ),
    Field(
        "credential.client_id",
        "credentials",
        "Client id",
        Help(
            "The application (client) id of the service principal or the user-assigned identity.",
            "Not the object id: the portal shows both.",
            "${env:AZURE_CLIENT_ID}",
        ),
        rule=rules.guid,
        only_if=_OWN_APP,
    ),
    Field(
        "credential.client_secret",
        "credentials",
        "Client secret",
        Help(
            "The value of the secret, not its id. Kept in memory only, and asked again when a run is resumed.",
            "On Databricks, a Key Vault-backed scope reaches the cluster as a variable: {{secrets/scope/key}}.",
            "${env:AZURE_CLIENT_SECRET}",
        ),
        kind="secret",
        required=True,
        only_if=_SERVICE_PRINCIPAL,
        default="${env:AZURE_CLIENT_SECRET}",
    ),
    Field(
        "workspace.subscription_id",
        "workspace",
        "Subscription",
        Help(
            "The id of the subscription that the workspace is in.",
            "Quota and cost belong to it.",
            "${env:AZURE_SUBSCRIPTION_ID}",
        ),
        rule=rules.guid,
        required=True,
        default="${env:AZURE_SUBSCRIPTION_ID}",
    ),
    Field(
        "workspace.resource_group",
        "workspace",
        "Resource group",
        Help("The resource group that holds the workspace.", "", "rg-ml"),
        rule=rules.resource_group,
        required=True,
        default="${env:AZURE_RESOURCE_GROUP}",
    ),
    Field(
        "workspace.name",
        "workspace",
        "Workspace",
        Help(
            "The Azure Machine Learning workspace that will own the endpoint.",
            "Its network isolation decides the two network flags; they are read from it.",
            "ws-churn",
            _LEARN + "concept-workspace",
        ),
        rule=rules.workspace_name,
        required=True,
        default="${env:AZURE_ML_WORKSPACE}",
    ),
    Field(
        "endpoint.name",
        "endpoint",
        "Endpoint name",
        Help(
            "The name that callers see in the scoring URI.",
            "It is unique in the whole Azure region.",
            "churn-endpoint-01",
            _LEARN + "concept-endpoints-online",
        ),
        rule=rules.online_name,
        required=True,
    ),
    Field(
        "endpoint.auth_mode",
        "endpoint",
        "Callers sign in with",
        Help(
            "key: one of two keys. aml_token: a token of the workspace. aad_token: a Microsoft Entra token.",
            "It cannot be changed once the endpoint exists.",
            "key",
            _LEARN + "concept-endpoints-online-auth",
        ),
        kind="choice",
        choices=("key", "aml_token", "aad_token"),
        rule=rules.one_of(("key", "aml_token", "aad_token")),
        default="key",
    ),
    Field(
        "endpoint.description",
        "endpoint",
        "Description",
        Help("A sentence for whoever finds the endpoint in the studio.", "", "Realtime endpoint to predict churn"),
    ),
    Field(
        "endpoint.tags",
        "endpoint",
        "Tags",
        Help("Names and values to find and bill the endpoint by.", "", "model=XGBoost, team=risk"),
        kind="map",
        rule=rules.text_map,
    ),
    Field(
        "deployment.name",
        "endpoint",
        "Deployment name",
        Help(
            "The deployment that serves behind the endpoint; an endpoint can have several.",
            "Blue and green are the usual names: the next version is deployed beside the one that serves.",
            "blue",
        ),
        rule=rules.online_name,
        required=True,
        default="blue",
    ),
    Field(
        "deployment.model.path",
        "model",
        "Model",
        Help(
            "The folder or file to register, or azureml:NAME:VERSION for a model that is registered.",
            "The folder is uploaded to the workspace's storage and mounted where AZUREML_MODEL_DIR points.",
            "churn-xgboost/model",
            _LEARN + "how-to-deploy-online-endpoints",
        ),
        kind="path",
        required=True,
        must_exist="any",
    ),
    Field(
        "deployment.model.name",
        "model",
        "Register as",
        Help(
            "The model's name in the workspace; the version is counted up when the content changes.",
            "",
            "churn-model-adb",
        ),
        rule=rules.asset_name,
    ),
    Field(
        "deployment.model.type",
        "model",
        "Model type",
        Help(
            "custom_model goes with a scoring script. mlflow_model can be served without one.",
            "MLflow without a scoring script is refused under legacy isolation.",
            "custom_model",
        ),
        kind="choice",
        choices=("custom_model", "mlflow_model"),
        rule=rules.one_of(("custom_model", "mlflow_model")),
        default="custom_model",
    ),
    Field(
        "deployment.code_configuration.code",
        "model",
        "Code folder",
        Help("The folder with the scoring script; all of it is uploaded.", "", "churn-xgboost/onlinescoring"),
        kind="path",
        must_exist="folder",
    ),
    Field(
        "deployment.code_configuration.scoring_script",
        "model",
        "Scoring script",
        Help(
            "The file with init(), called once, and run(), called for each request.",
            "An exception in run() reaches the caller as status 424; a returned error text would look like success.",
            "score.py",
            _LEARN + "how-to-deploy-advanced-entry-script",
        ),
        rule=rules.script_name,
        default="score.py",
    ),
    Field(
        "deployment.environment.conda_file",
        "model",
        "Conda file",
        Help(
            "What to install beside the image. It must list azureml-inference-server-http.",
            "Built into an image when a deployment first uses it.",
            "churn-xgboost/conda.yml",
            _LEARN + "how-to-manage-environments-v2",
        ),
        kind="path",
        must_exist="file",
    ),
    Field(
        "deployment.environment.image",
        "model",
        "Base image",
        Help(
            "The container image that the conda file is installed on.",
            "Images on Ubuntu 20.04 have lost support; pin a dated tag.",
            "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
        ),
    ),
    Field(
        "test.request",
        "model",
        "Sample request",
        Help(
            "A JSON file that the run sends when the endpoint is up, and the test panel starts from.",
            "",
            "churn-xgboost/sample-request.json",
        ),
        kind="path",
        must_exist="file",
    ),
    Field(
        "deployment.environment.name",
        "model",
        "Environment name",
        Help("The environment's name in the workspace; by default the model's name and -env.", "", "churn-env"),
        rule=rules.asset_name,
        advanced=True,
    ),
    Field(
        "deployment.environment.registered",
        "model",
        "Registered environment",
        Help("An environment of the workspace or a curated one, in place of a conda file.", "", "azureml:churn-env:3"),
        rule=rules.registered_asset,
        advanced=True,
    ),
    Field(
        "deployment.model.version",
        "model",
        "Model version",
        Help("A version of your own; by default the next number.", "", "3"),
        rule=rules.asset_name,
        advanced=True,
    ),
    Field(
        "deployment.model.description",
        "model",
        "Model description",
        Help("A sentence about the model."),
        advanced=True,
    ),
    Field(
        "deployment.model.tags",
        "model",
        "Model tags",
        Help("Names and values to find the model by."),
        kind="map",
        rule=rules.text_map,
        advanced=True,
    ),
    Field(
        "deployment.instance_type",
        "compute",
        "Size",
        Help(
            "The virtual machine size of each instance.",
            "Price and quota follow from it.",
            "Standard_DS3_v2",
            _LEARN + "reference-managed-online-endpoints-vm-sku-list",
        ),
        rule=rules.instance_type,
        default="Standard_DS3_v2",
        required=True,
    ),
    Field(
        "deployment.instance_count",
        "compute",
        "Instances",
        Help(
            "How many instances serve. Azure reserves 20 % more quota for upgrades.",
            "Microsoft recommends three or more for availability.",
            "1",
            _LEARN + "how-to-manage-quotas",
        ),
        kind="number",
        rule=rules.number_between(1, 50, "instances"),
        default=1,
        required=True,
    ),
    Field(
        "deployment.request_settings.request_timeout_ms",
        "compute",
        "Request time-out",
        Help("Milliseconds after which a request ends with status 408.", "At most 180,000.", "5000"),
        kind="number",
        rule=rules.number_between(1, 180_000, "ms"),
        default=5000,
    ),
    Field(
        "deployment.request_settings.max_concurrent_requests_per_instance",
        "compute",
        "Requests at once",
        Help(
            "How many requests an instance works on at the same time.",
            "More than twice this many in parallel, per instance, are refused with status 429.",
            "1",
        ),
        kind="number",
        rule=rules.number_between(1, 1000),
        default=1,
    ),
    Field(
        "deployment.environment_variables",
        "compute",
        "Variables",
        Help("Environment variables of the container.", "", "WORKER_COUNT=2"),
        kind="map",
        rule=rules.text_map,
    ),
    Field(
        "deployment.app_insights_enabled",
        "compute",
        "Application Insights",
        Help("Send request metrics and traces to the workspace's Application Insights.", "", "false"),
        kind="bool",
        rule=rules.true_or_false,
        default=False,
        advanced=True,
    ),
    Field(
        "deployment.description",
        "compute",
        "Deployment description",
        Help("A sentence about the deployment."),
        advanced=True,
    ),
    Field(
        "deployment.tags",
        "compute",
        "Deployment tags",
        Help("Names and values to find the deployment by."),
        kind="map",
        rule=rules.text_map,
        advanced=True,
    ),
    Field(
        "endpoint.public_network_access",
        "network",
        "Public access",
        Help(
            "disabled: the endpoint answers only through the workspace's private endpoint.",
            "It concerns scoring; creating and deleting go through Azure Resource Manager.",
            "disabled",
            _LEARN + "concept-secure-online-endpoint",
        ),
        kind="choice",
        choices=SWITCH,
        rule=rules.one_of(SWITCH),
        default="disabled",
    ),
    Field(
        "deployment.egress_public_network_access",
        "network",
        "Egress (legacy)",
        Help(
            "disabled: the deployment reaches only the workspace's own storage, registry and API.",
            "Leave it empty where the workspace has a managed virtual network: Azure then ignores the flag. "
            "It cannot be changed once the deployment exists.",
            "disabled",
            _LEARN + "how-to-secure-online-endpoint",
        ),
        kind="choice",
        choices=SWITCH,
        rule=rules.one_of(SWITCH),
    ),
    Field(
        "traffic",
        "network",
        "Traffic",
        Help(
            "The share of requests of each deployment, in percent.",
            "By default the new deployment gets 100; without traffic the endpoint answers 404.",
            "blue=100",
        ),
        kind="map",
        rule=rules.traffic,
        advanced=True,
    ),
    Field("description", "review", "Plan description", Help("What this plan is for, in a few words."), advanced=True),
    *(
        Field(
            f"deployment.{probe}.{key}",
            "compute",
            f"{label}: {name}",
            Help(what, "Azure's default.", str(default)),
            kind="number",
            rule=rules.number_between(1, 86_400),
            default=default,
            advanced=True,
        )
        for probe, label in (("liveness_probe", "Liveness"), ("readiness_probe", "Readiness"))
        for key, name, what, default in (
            ("initial_delay", "first after", "Seconds before the first probe.", 10),
            ("period", "every", "Seconds between probes.", 10),
            ("timeout", "time-out", "Seconds a probe may take.", 2),
            ("success_threshold", "successes", "Probes in a row that must succeed.", 1),
            ("failure_threshold", "failures", "Probes in a row that may fail.", 30),
        )
    ),
)

BY_KEY: dict[str, Field] = {field.key: field for field in FIELDS}

RESERVED = ("deployments", "rollout", "mirror_traffic", "limits")


def fields_of(step: str, *, advanced: bool = False) -> list[Field]:
    """The fields asked at a step, in order; with `advanced`, also the less usual ones."""
    return [field for field in FIELDS if field.step == step and (advanced or not field.advanced)]
