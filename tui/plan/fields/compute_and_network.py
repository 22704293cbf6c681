"""The machines that serve, the probes, and the network flags."""

from __future__ import annotations

from tui.plan import data_collection
from tui.plan.fields.field import LEARN, Field, Help
from tui.plan.rules import value_rules

SWITCH = ("enabled", "disabled")
COLLECTION = LEARN + "how-to-collect-production-data"

SERVING_FIELDS: tuple[Field, ...] = (
    Field(
        "deployment.instance_type",
        "compute",
        "Size",
        Help(
            "The virtual machine size of each instance.",
            "Price and quota follow from it.",
            "Standard_DS3_v2",
            LEARN + "reference-managed-online-endpoints-vm-sku-list",
        ),
        rule=value_rules.instance_type,
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
            LEARN + "how-to-manage-quotas",
        ),
        kind="number",
        rule=value_rules.number_between(1, 50, "instances"),
        default=1,
        required=True,
    ),
    Field(
        "deployment.request_settings.request_timeout_ms",
        "compute",
        "Request timeout (ms)",
        Help("Milliseconds after which a request ends with status 408.", "At most 180,000.", "5000"),
        kind="number",
        rule=value_rules.number_between(1, 180_000, "ms"),
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
        rule=value_rules.number_between(1, 1000),
        default=1,
    ),
    Field(
        "deployment.environment_variables",
        "compute",
        "Variables",
        Help("Environment variables of the container.", "", "WORKER_COUNT=2"),
        kind="map",
        rule=value_rules.text_map,
    ),
    Field(
        "deployment.app_insights_enabled",
        "compute",
        "Application Insights",
        Help("Send request metrics and traces to the workspace's Application Insights.", "", "false"),
        kind="bool",
        rule=value_rules.true_or_false,
        default=False,
        advanced=True,
    ),
    Field(
        "deployment.data_collector.collections",
        "compute",
        "Collector: data",
        Help(
            "What is written down in the workspace's storage: request and response are the payload; model_inputs, "
            "model_outputs and other names are what the scoring script hands to the package azureml-ai-monitoring.",
            "NAME=false leaves one out; NAME=DATA:VERSION@azureml://… names the data asset. Left empty: nothing.",
            "model_inputs, model_outputs",
            COLLECTION,
        ),
        kind="collections",
        rule=data_collection.rule,
        advanced=True,
    ),
    Field(
        "deployment.data_collector.sampling_rate",
        "compute",
        "Collector: share",
        Help("The share of the requests that is collected, from 0 to 1.", "Left empty: 1, all of them.", "0.1"),
        kind="fraction",
        rule=value_rules.share,
        advanced=True,
    ),
    Field(
        "deployment.data_collector.rolling_rate",
        "compute",
        "Collector: a file each",
        Help("How often a new file is begun.", "Left empty: hour.", "hour", COLLECTION),
        kind="choice",
        choices=data_collection.ROLLING_RATES,
        rule=value_rules.rolling_rate,
        advanced=True,
    ),
    Field(
        "deployment.data_collector.request_logging.capture_headers",
        "compute",
        "Collector: headers",
        Help("Headers of the requests that are written down with the payload.", "", "x-request-id, user-agent"),
        kind="list",
        rule=value_rules.header_names,
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
        rule=value_rules.text_map,
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
            LEARN + "concept-secure-online-endpoint",
        ),
        kind="choice",
        choices=SWITCH,
        rule=value_rules.one_of(SWITCH),
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
            LEARN + "how-to-secure-online-endpoint",
        ),
        kind="choice",
        choices=SWITCH,
        rule=value_rules.one_of(SWITCH),
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
        rule=value_rules.traffic,
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
            rule=value_rules.only_one
            if (probe, key) == ("liveness_probe", "success_threshold")
            else value_rules.number_between(1, 86_400),
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
