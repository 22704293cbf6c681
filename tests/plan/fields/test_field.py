"""What is typed into a form and what is shown there, by the field's kind."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan.fields.all_fields import BY_KEY, FIELDS, STEPS, fields_of
from tui.plan.fields.field import Field, Help
from tui.plan.fields.why_it_matters import example, link, why


def of(kind: str, **options: Any) -> Field:
    return Field("k", "Label", Help("what"), kind=kind, **options)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("text", " a ", "a"),
        ("text", "  ", None),
        ("text", "7", "7"),
        ("number", "7", 7),
        ("number", "7.5", "7.5"),
        ("number", "${env:N}", "${env:N}"),
        ("fraction", "1", 1),
        ("fraction", "0.5", 0.5),
        ("fraction", "half", "half"),
        ("bool", "Yes", True),
        ("bool", "true", True),
        ("bool", "no", False),
        ("bool", "False", False),
        ("bool", "maybe", "maybe"),
        ("list", "a, b", ["a", "b"]),
        ("list", "${env:A}, b", ["${env:A}", "b"]),
        ("map", "a=1, b = x ", {"a": 1, "b": "x"}),
        ("map", "a=", {"a": ""}),
        ("map", "a", "a"),
        ("map", "=1", "=1"),
        ("map", "a=1,b", "a=1,b"),
        ("map", "a=${env:A}", "a=${env:A}"),
        ("collections", "a", {"a": {"enabled": "True"}}),
        ("collections", "a=${env:A}", {"a": {"enabled": "True", "data": "${env:A}"}}),
    ],
)
def test_typed_text_becomes_a_value(kind: str, typed: str, value: Any) -> None:
    found = of(kind).parse(typed)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("text", None, ""),
        ("bool", True, "true"),
        ("bool", False, "false"),
        ("number", 0, "0"),
        ("list", ["a", {"resource_id": "/i"}], "a, /i"),
        ("text", (10, 50), "10, 50"),
        ("map", {"a": 1, "b": "x"}, "a=1, b=x"),
        ("collections", {"a": {"enabled": "False"}}, "a=false"),
    ],
)
def test_a_value_is_shown_as_it_is_typed(kind: str, value: Any, shown: str) -> None:
    assert of(kind).show(value) == shown


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        (of("text"), None, False),
        (of("text"), "", False),
        (of("text", required=True), None, True),
        (of("text", required=True), "", True),
        (of("text", required=True), "a", False),
        (of("text"), ["a"], True),
        (of("number", rule=BY_KEY["deployment.instance_count"].rule), "${env:N}", False),
        (of("number", rule=BY_KEY["deployment.instance_count"].rule, required=True), 0, True),
        (of("secret"), "s3cret", True),
        (of("secret"), "${env:S}", False),
        (of("secret"), None, False),
        (of("bool", rule=BY_KEY["deployment.app_insights_enabled"].rule, required=True), False, False),
    ],
)
def test_a_value_is_checked_unless_it_is_a_reference(field: Field, value: Any, wrong: bool) -> None:
    assert (field.check(value) is not None) == wrong


LIMITS: list[tuple[str, Any, Any]] = [
    ("deployment.instance_count", 1, 50),
    ("deployment.request_settings.request_timeout_ms", 1, 180_000),
    ("deployment.request_settings.max_concurrent_requests_per_instance", 1, 1000),
    ("deployment.liveness_probe.period", 1, 86_400),
    ("deployment.liveness_probe.failure_threshold", 1, 86_400),
    ("deployment.liveness_probe.success_threshold", 1, 1),
    ("deployment.readiness_probe.success_threshold", 1, 86_400),
    ("deployment.environment.inference_config.scoring_route.port", 1, 65_535),
    ("rollout.pause", 0, 86_400),
    ("rollout.probe_every", 0.1, 3600),
    ("rollout.min_requests", 1, 100_000),
    ("rollout.max_error_percent", 0, 100),
    ("rollout.max_p95_ms", 1, 180_000),
    ("limits.endpoint", 1, 604_800),
    ("limits.total", 1, 604_800),
]


@pytest.mark.parametrize(("key", "least", "most"), LIMITS)
def test_the_limits_of_a_field(key: str, least: Any, most: Any) -> None:
    check, step = BY_KEY[key].check, 0.05 if isinstance(least, float) else 1
    assert (check(least), check(most)) == (None, None)
    assert check(least - step) and check(most + 1)


DEFAULTS = {
    "credential.method": "default", "credential.tenant_id": "${env:AZURE_TENANT_ID}",
    "credential.client_secret": "${env:AZURE_CLIENT_SECRET}",
    "workspace.subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
    "workspace.resource_group": "${env:AZURE_RESOURCE_GROUP}", "workspace.name": "${env:AZURE_ML_WORKSPACE}",
    "endpoint.auth_mode": "key", "endpoint.public_network_access": "disabled", "deployment.name": "blue",
    "deployment.model.type": "custom_model", "deployment.code_configuration.scoring_script": "score.py",
    "deployment.instance_type": "Standard_D4as_v4", "deployment.instance_count": 1,
    "deployment.app_insights_enabled": False, "deployment.request_settings.request_timeout_ms": 5000,
    "deployment.request_settings.max_concurrent_requests_per_instance": 1,
    **{f"deployment.{probe}_probe.{key}": value for probe in ("liveness", "readiness") for key, value in
       (("initial_delay", 10), ("period", 10), ("timeout", 2), ("success_threshold", 1), ("failure_threshold", 30))},
}  # fmt: skip
REQUIRED = {
    "credential.tenant_id", "credential.client_secret", "workspace.subscription_id", "workspace.resource_group",
    "workspace.name", "endpoint.name", "endpoint.identity.user_assigned_identities", "deployment.name",
    "deployment.instance_type", "deployment.instance_count",
}  # fmt: skip


def test_defaults_and_what_is_required() -> None:
    assert {item.key: item.default for item in FIELDS if item.default is not None} == DEFAULTS
    assert {item.key for item in FIELDS if item.required} == REQUIRED


# What the wizard asks at first; everything else is behind the switch for advanced fields.
FIRST = {
    "credentials": ["method", "tenant_id", "client_id", "client_secret"],
    "workspace": ["subscription_id", "resource_group", "name"],
    "endpoint": ["name", "auth_mode", "description", "tags", "name"],
    "model": ["path", "name", "type", "code", "scoring_script", "conda_file", "image", "request"],
    "compute": ["instance_type", "instance_count", "request_timeout_ms", "max_concurrent_requests_per_instance",
                "environment_variables"],
    "network": ["public_network_access", "egress_public_network_access"],
}  # fmt: skip


def test_the_wizard_asks_few_fields_first_and_all_with_advanced() -> None:
    shown = {step: [item.key.rpartition(".")[2] for item in fields_of(step)] for step, _ in STEPS}
    assert {step: keys for step, keys in shown.items() if keys} == FIRST
    assert sum(len(fields_of(step, advanced=True)) for step, _ in STEPS) == len(FIELDS)


def test_help_has_a_fallback_and_its_own_text_wins() -> None:
    port = BY_KEY["deployment.environment.inference_config.scoring_route.port"]
    assert "port" in why(port)
    own = Field("endpoint.tags", "l", Help("w", "own why", "own example", "own link"))
    assert (why(own), example(own), link(own)) == ("own why", "own example", "own link")
    bare = Field("endpoint.tags", "l", Help("w"))
    assert "tag" in why(bare) and example(bare) == "" and "endpoint-online" in link(bare)
    assert why(Field("x", "l", Help("w"))) == "" and link(Field("x", "l", Help("w")))
    assert "model" in link(Field("deployment.model.x", "l", Help("w")))
