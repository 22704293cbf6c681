"""Fields for instances, probes, data collection and the network flags."""

from __future__ import annotations

from tui.plan import autoscale, data_collection
from tui.plan.fields.field import LEARN, Field, Help, of_step
from tui.plan.rules import value_rules

SWITCH = ("enabled", "disabled")
AUTOSCALE = LEARN + "how-to-autoscale-endpoints"
COLLECTION = LEARN + "how-to-collect-production-data"

_COMPUTE = of_step(
    "compute",
    Field(
        "deployment.instance_type",
        "Size",
        Help(
            "The virtual machine size of each instance.",
            "It determines the price and the quota needed.",
            "Standard_D4as_v4",
            LEARN + "reference-managed-online-endpoints-vm-sku-list",
        ),
        rule=value_rules.instance_type,
        default="Standard_D4as_v4",
        required=True,
    ),
    Field(
        "deployment.instance_count",
        "Instances",
        Help(
            "The number of instances. Azure reserves 20 % more quota for upgrades.",
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
        "Request timeout (ms)",
        Help("Milliseconds after which a request fails with status 408.", "The maximum is 180,000.", "5000"),
        kind="number",
        rule=value_rules.number_between(1, 180_000, "ms"),
        default=5000,
    ),
    Field(
        "deployment.request_settings.max_concurrent_requests_per_instance",
        "Concurrent requests",
        Help(
            "How many requests an instance processes at the same time.",
            "More than twice this many concurrent requests per instance are rejected with status 429.",
            "1",
        ),
        kind="number",
        rule=value_rules.number_between(1, 1000),
        default=1,
    ),
    Field(
        "deployment.environment_variables",
        "Variables",
        Help("The environment variables of the container.", "", "WORKER_COUNT=2"),
        kind="map",
        rule=value_rules.text_map,
    ),
)
_COMPUTE_ADVANCED = of_step(
    "compute",
    Field(
        "deployment.autoscale.minimum",
        "Autoscale: minimum",
        Help(
            "The least instances that Azure Monitor's autoscale keeps.",
            "With a minimum and a maximum, rules set the number of instances, and runs leave it alone. If empty: none.",
            "1",
            AUTOSCALE,
        ),
        kind="number",
        rule=value_rules.number_between(1, autoscale.MOST_INSTANCES, "instances"),
    ),
    Field(
        "deployment.autoscale.maximum",
        "Autoscale: maximum",
        Help("The most instances that autoscale makes.", "The quota must have room for them.", "4", AUTOSCALE),
        kind="number",
        rule=value_rules.number_between(1, autoscale.MOST_INSTANCES, "instances"),
    ),
    Field(
        "deployment.autoscale.rules",
        "Autoscale: rules",
        Help(
            "When instances are added or removed: condition, change, cooldown in minutes; a semicolon between rules.",
            "A condition is METRIC > NUMBER avg TIME, as az monitor autoscale writes it.",
            f"{autoscale.EXAMPLE}, out 1; CpuUtilizationPercentage < 30 avg 5m, in 1",
            AUTOSCALE,
        ),
        kind="rules",
    ),
    Field(
        "deployment.autoscale.schedule",
        "Autoscale: schedule",
        Help(
            "Times with other limits: name, recurrence week and days, start, end, timezone, minimum, maximum.",
            "Without recurrence, start and end are one date and time each (2026-12-24T00:00).",
            "night, recurrence week mon tue, start 20:00, end 06:00, minimum 1, maximum 1",
            AUTOSCALE,
        ),
        kind="schedule",
    ),
    Field(
        "deployment.app_insights_enabled",
        "Application Insights",
        Help("Send request metrics and traces to the workspace's Application Insights.", "", "false"),
        kind="bool",
        rule=value_rules.true_or_false,
        default=False,
    ),
    Field(
        "deployment.data_collector.collections",
        "Collector: data",
        Help(
            "What is stored: request and response are the payload; model_inputs, model_outputs and other names are "
            "what the scoring script passes to azureml-ai-monitoring.",
            "NAME=false disables one; NAME=DATA:VERSION@azureml://… names the data asset. If empty: nothing.",
            "model_inputs, model_outputs",
            COLLECTION,
        ),
        kind="collections",
    ),
    Field(
        "deployment.data_collector.sampling_rate",
        "Collector: sampling rate",
        Help("The share of requests that is collected, from 0 to 1.", "If empty: 1, all requests.", "0.1"),
        kind="fraction",
        rule=value_rules.share,
    ),
    Field(
        "deployment.data_collector.rolling_rate",
        "Collector: rolling rate",
        Help("How often a new file is started.", "If empty: hour.", "hour", COLLECTION),
        kind="choice",
        choices=data_collection.ROLLING_RATES,
        rule=value_rules.rolling_rate,
    ),
    Field(
        "deployment.data_collector.request_logging.capture_headers",
        "Collector: headers",
        Help("Request headers that are stored with the payload.", "", "x-request-id, user-agent"),
        kind="list",
        rule=value_rules.header_names,
    ),
    Field(
        "deployment.description",
        "Deployment description",
        Help("A short description of the deployment."),
    ),
    Field(
        "deployment.tags",
        "Deployment tags",
        Help("Names and values by which to find the deployment."),
        kind="map",
        rule=value_rules.text_map,
    ),
    advanced=True,
)
_NETWORK = of_step(
    "network",
    Field(
        "endpoint.public_network_access",
        "Public access",
        Help(
            "disabled: the endpoint is reachable only through the workspace's private endpoint.",
            "This applies to scoring requests; creation and deletion go through Azure Resource Manager.",
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
        "Egress (legacy)",
        Help(
            "disabled: the deployment can reach only the workspace's own storage, registry and API.",
            "Leave it empty if the workspace has a managed virtual network, because Azure then ignores the flag. "
            "It cannot be changed after the deployment is created.",
            "disabled",
            LEARN + "how-to-secure-online-endpoint",
        ),
        kind="choice",
        choices=SWITCH,
        rule=value_rules.one_of(SWITCH),
    ),
)
_NETWORK_ADVANCED = of_step(
    "network",
    Field(
        "traffic",
        "Traffic",
        Help(
            "The share of requests that each deployment gets, in percent.",
            "By default the new deployment gets 100; without traffic, the endpoint returns 404.",
            "blue=100",
        ),
        kind="map",
        rule=value_rules.traffic,
    ),
    advanced=True,
)
_REVIEW = of_step(
    "review",
    Field("description", "Plan description", Help("What the plan is for, in a few words.")),
    advanced=True,
)
_PROBES = of_step(
    "compute",
    *(
        Field(
            f"deployment.{probe}.{key}",
            f"{label}: {name}",
            Help(what, "Azure's default.", str(default)),
            kind="number",
            rule=value_rules.only_one
            if (probe, key) == ("liveness_probe", "success_threshold")
            else value_rules.number_between(1, 86_400),
            default=default,
        )
        for probe, label in (("liveness_probe", "Liveness"), ("readiness_probe", "Readiness"))
        for key, name, what, default in (
            ("initial_delay", "initial delay", "Seconds before the first probe.", 10),
            ("period", "period", "Seconds between probes.", 10),
            ("timeout", "timeout", "Seconds after which a probe times out.", 2),
            ("success_threshold", "successes", "Consecutive successes after which the container counts as healthy.", 1),
            ("failure_threshold", "failures", "Consecutive failures after which the container counts as failed.", 30),
        )
    ),
    advanced=True,
)
SERVING_FIELDS = (*_COMPUTE, *_COMPUTE_ADVANCED, *_NETWORK, *_NETWORK_ADVANCED, *_REVIEW, *_PROBES)
