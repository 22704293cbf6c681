"""A plan from the values of its fields: what each value becomes, and the defaults of the others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tui.plan import model as m
from tui.plan.data_collection import DataCollector
from tui.plan.endpoint_identity import Identity
from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.assemble import plan_hash, plan_of
from tui.plan.sdk_entities import Tree

BASE = Path("/base")
# A reference is resolved before, and without a code folder there is no script.
NOT_IN_A_PLAN = {"credential.tenant_id", "credential.client_secret", "workspace.subscription_id",
                 "workspace.resource_group", "workspace.name",
                 "deployment.code_configuration.scoring_script"}  # fmt: skip
MODEL, ENVIRONMENT = "deployment.model.", "deployment.environment."
ROUTES = {
    f"{ENVIRONMENT}inference_config.{name}_route.{part}": value
    for name, port in (("liveness", 1), ("readiness", 2), ("scoring", 3))
    for part, value in (("path", f"/{name}"), ("port", port))
}


def test_a_plan_of_nothing_has_what_the_form_shows_as_default() -> None:
    values = Tree({name: asdict(getattr(plan_of({}, BASE), name)) for name in ("endpoint", "deployment", "credential")})
    shown = {item.key: item.default for item in FIELDS if item.default is not None and item.key not in NOT_IN_A_PLAN}
    assert {key: values.value(key) for key in shown} == shown
    assert asdict(DataCollector()) == {
        "collections": {}, "sampling_rate": 1.0, "rolling_rate": "hour", "capture_headers": (),
    }  # fmt: skip


def test_a_plan_of_nothing_has_the_defaults() -> None:
    plan = plan_of({}, BASE)
    assert plan == m.Plan(
        deployment=m.Deployment(environment=m.Environment("scoring-env")), base=BASE, hash=plan_hash({})
    )
    assert not plan.deployment.environment.given


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (Path("/m"), (Path("/m"), None, None)),
        ("azureml:m:1", (None, "azureml:m:1", None)),
        ("runs:/r/m", (None, None, "runs:/r/m")),
        (None, (None, None, None)),
    ],
)
def test_where_a_model_is(path: Any, expected: Any) -> None:
    model = plan_of({f"{MODEL}path": path, f"{MODEL}version": 3}, BASE).deployment.model
    assert (model.path, model.registered, model.source) == expected and model.version == "3"


def test_values_become_texts_and_false_and_zero_are_values() -> None:
    plan = plan_of(
        {
            "endpoint.tags": {"a": 1},
            "deployment.tags": None,
            "deployment.app_insights_enabled": True,
            "deployment.liveness_probe.period": 7,
            "deployment.readiness_probe.timeout": 9,
            "deployment.request_settings.request_timeout_ms": 8,
            "traffic": {"blue": 100},
            "mirror_traffic": {"green": 5},
            "description": 7,
            "test.request": Path("/r"),
            "limits.total": "1m",
        },
        BASE,
    )
    assert (plan.endpoint.tags, plan.deployment.tags) == ({"a": "1"}, {})
    assert plan.deployment.app_insights_enabled and plan.deployment.liveness_probe == m.ProbeSettings(period=7)
    assert plan.deployment.readiness_probe == m.ProbeSettings(timeout=9)
    assert plan.deployment.request_settings == m.RequestSettings(request_timeout_ms=8)
    assert (plan.traffic, plan.mirror_traffic, plan.limits.total) == ({"blue": 100}, {"green": 5}, 60.0)
    assert (plan.description, plan.test.request) == ("7", Path("/r"))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "scoring-env"),
        ({"endpoint.name": "e"}, "e-env"),
        ({"endpoint.name": "e", f"{MODEL}name": "m"}, "m-env"),
        ({f"{MODEL}name": "m", f"{ENVIRONMENT}name": "own"}, "own"),
        ({f"{MODEL}name": "m", f"{ENVIRONMENT}name": ""}, "m-env"),
    ],
)
def test_the_name_of_an_environment(values: dict[str, Any], name: str) -> None:
    assert plan_of(values, BASE).deployment.environment.name == name


@pytest.mark.parametrize(
    ("values", "given"),
    [({}, False), ({"name": "e"}, False), ({"image": "i"}, True), ({"conda_file": Path("c")}, True),
     ({"registered": "azureml:e:1"}, True), ({"build.path": Path("b")}, True)],
)  # fmt: skip
def test_whether_an_environment_is_given(values: dict[str, Any], given: bool) -> None:
    environment = plan_of({f"{ENVIRONMENT}{key}": value for key, value in values.items()}, BASE).deployment.environment
    assert environment.given == given


@pytest.mark.parametrize(
    ("path", "dockerfile", "build"),
    [
        (None, "D", None),
        (Path("/b"), None, m.BuildContext(Path("/b"))),
        (Path("/b"), "D", m.BuildContext(Path("/b"), None, "D")),
        ("https://g", "", m.BuildContext(None, "https://g")),
    ],
)
def test_a_build_context(path: Any, dockerfile: Any, build: Any) -> None:
    values = {f"{ENVIRONMENT}build.path": path, f"{ENVIRONMENT}build.dockerfile_path": dockerfile}
    assert plan_of(values, BASE).deployment.environment.build == build


def test_all_three_routes_or_none() -> None:
    config = plan_of(ROUTES, BASE).deployment.environment.inference_config
    assert config == m.InferenceConfig(m.Route("/liveness", 1), m.Route("/readiness", 2), m.Route("/scoring", 3))
    for key in ROUTES:
        values = {**ROUTES, key: None}
        assert plan_of(values, BASE).deployment.environment.inference_config is None


def test_code_identity_and_collector() -> None:
    code = "deployment.code_configuration."
    assert plan_of({f"{code}scoring_script": "s.py"}, BASE).deployment.code_configuration is None
    coded = plan_of({f"{code}code": Path("/c")}, BASE).deployment
    assert coded.code_configuration == m.CodeConfiguration(Path("/c"), "score.py")
    assert plan_of({"endpoint.identity.type": "system_assigned"}, BASE).endpoint.identity == Identity()
    ids = {"endpoint.identity.user_assigned_identities": ["/i"]}
    assert plan_of(ids, BASE).endpoint.identity is None
    assert plan_of({**ids, "endpoint.identity.type": "user_assigned"}, BASE).endpoint.identity == Identity(
        "user_assigned", ("/i",)
    )
    collector = "deployment.data_collector."
    collected = {f"{collector}collections": {"a": {"enabled": "True"}}}
    made = plan_of(collected, BASE).deployment.data_collector
    assert made is not None and (made.sampling_rate, made.rolling_rate, made.capture_headers) == (1.0, "hour", ())
    more = {f"{collector}sampling_rate": 0, f"{collector}rolling_rate": "Day",
            f"{collector}request_logging.capture_headers": "a, b"}  # fmt: skip
    made = plan_of({**collected, **more}, BASE).deployment.data_collector
    assert made is not None and (made.sampling_rate, made.rolling_rate) == (0.0, "day")
    assert made.capture_headers == ("a", "b") and plan_of(more, BASE).deployment.data_collector is None


def test_the_hash_is_of_what_is_deployed() -> None:
    own = plan_hash({"endpoint.name": "e"})
    assert len(own) == 12
    assert own == plan_hash({"endpoint.name": "e", "credential.client_id": "c", "limits.total": 5})
    assert own != plan_hash({"endpoint.name": "f"})
    two = {"endpoint.name": "e", "endpoint.auth_mode": "key"}
    assert plan_hash(two) == plan_hash(dict(reversed(two.items())))
