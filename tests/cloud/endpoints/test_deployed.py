"""A deployment in the rehearsal: made, scored, routed, read, removed. The whole of it runs over HTTPS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tui.cloud.assets import code, environments, models
from tui.cloud.endpoints import deployments, endpoints, keys, live_state, remove, scoring, traffic
from tui.cloud.endpoints.deployments import AssetIds
from tui.cloud.errors import CloudError, OperationFailed
from tui.cloud.session import Cloud, connect
from tui.cloud.workspace import sizes
from tui.plan.model import (
    CodeConfiguration,
    Deployment,
    Endpoint,
    Environment,
    Model,
    Plan,
    ProbeSettings,
    RequestSettings,
    Workspace,
)
from tui.plan.planned_changes import changes
from tui.plan.presets import presets

pytestmark = pytest.mark.slow

MARK = {deployments.MADE_TAG: "0"}
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1"
SCORE = """
import json, os

def init():
    global word
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model", "word.txt")) as file:
        word = file.read()
    print("ready with", word, flush=True)

def run(data):
    data = json.loads(data)
    if data.get("swallow"):
        return "could not convert string to float: 'abc'"
    if data.get("raise"):
        raise ValueError("bad input")
    return {"word": word, "which": os.environ.get("WHICH", "none")}
"""


@dataclass
class Deployed:
    cloud: Cloud
    plan: Plan
    ids: AssetIds

    @property
    def endpoint(self) -> endpoints.EndpointInfo:
        found = endpoints.read(self.cloud, self.plan.endpoint.name)
        assert found is not None
        return found


def conda_of_the_preset() -> Path:
    """Its scoring environment is built once and kept, whoever uses it."""
    preset = next(preset for preset in presets() if preset.name == "churn-xgboost")
    return Path(preset.path).parent / "churn-xgboost" / "conda.yml"


def write_files(folder: Path) -> Plan:
    (folder / "model").mkdir()
    (folder / "model" / "word.txt").write_text("hello")
    (folder / "scoring").mkdir()
    (folder / "scoring" / "score.py").write_text(SCORE)
    deployment = Deployment(
        name="blue",
        model=Model(name="word-model", path=folder / "model"),
        code_configuration=CodeConfiguration(folder / "scoring"),
        environment=Environment(name="word-env", conda_file=conda_of_the_preset(), image=IMAGE),
        environment_variables={"WHICH": "first"},
        request_settings=RequestSettings(request_timeout_ms=4500),
        liveness_probe=ProbeSettings(initial_delay=1, period=1),
        readiness_probe=ProbeSettings(initial_delay=1, period=1),
    )
    name = f"t-{uuid.uuid4().hex[:10]}"
    return Plan(endpoint=Endpoint(name, tags={"a": "b"}), deployment=deployment, traffic={"blue": 100}, base=folder)


@pytest.fixture(scope="module")
def deployed(rehearsal: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in rehearsal["set"].items():
            patch.setenv(name, value)
        for name in rehearsal["unset"]:
            patch.delenv(name, raising=False)
        plan = write_files(tmp_path_factory.mktemp("plan"))
        plan = replace(plan, workspace=Workspace(**rehearsal["workspaces"]["managed"]))
        cloud = connect(plan)
        making = endpoints.begin_create_or_update(cloud, plan.endpoint, MARK)
        wanted = plan.deployment
        assert wanted.model.path is not None and wanted.code_configuration is not None
        ids = AssetIds(
            models.register(cloud, wanted.model, wanted.model.path, models.content_hash(wanted.model.path)).id,
            environments.register(cloud, wanted.environment).id,
            code.register(cloud, wanted.code_configuration.code).id,
        )
        making.result()
        made = deployments.begin_create_or_update(cloud, plan, ids, MARK).result()
        assert made.provisioning_state == "Succeeded"
        traffic.begin_set(cloud, plan.endpoint.name, plan.traffic).result()
        yield Deployed(cloud, plan, ids)


def call(deployed: Deployed, body: dict[str, Any], deployment: str | None = None) -> scoring.ScoreResult:
    return scoring.score(deployed.cloud, deployed.endpoint, json.dumps(body).encode(), deployment)


def test_what_was_made_is_read_back(deployed: Deployed) -> None:
    found = deployed.endpoint
    assert (found.auth_mode, found.public_network_access, found.traffic) == ("key", "disabled", {"blue": 100})
    assert found.tags == {"a": "b", **MARK}
    blue = deployments.read(deployed.cloud, found.name, "blue")
    assert blue is not None
    assert found.deployments == [blue]
    assert (blue.instance_type, blue.instance_count, blue.scoring_script) == ("Standard_D4as_v4", 1, "score.py")
    assert (blue.model, blue.environment, blue.code) == (
        deployed.ids.model,
        deployed.ids.environment,
        deployed.ids.code,
    )
    assert blue.request_settings["request_timeout_ms"] == 4500
    assert blue.liveness_probe["period"] == 1
    assert deployments.read(deployed.cloud, found.name, "green") is None
    assert found.name in [other.name for other in endpoints.list_all(deployed.cloud)]


def test_a_prediction(deployed: Deployed) -> None:
    answer = call(deployed, {})
    assert (answer.status_code, answer.ok, answer.deployment, answer.note) == (200, True, "blue", "")
    assert json.loads(answer.body) == {"word": "hello", "which": "first"}
    assert answer.latency_ms > 0
    assert {name.lower() for name in answer.headers} >= {"azureml-model-deployment", "x-request-id"}


def test_a_pinned_deployment(deployed: Deployed) -> None:
    assert call(deployed, {}, "blue").deployment == "blue"
    absent = call(deployed, {}, "green")
    assert (absent.status_code, absent.ok) == (404, False)


def test_an_error_text_with_200_is_no_success(deployed: Deployed) -> None:
    answer = call(deployed, {"swallow": True})
    assert (answer.status_code, answer.ok) == (200, False)
    assert "could not convert string to float" in answer.note


def test_an_exception_in_the_script_is_424_and_in_the_log(deployed: Deployed) -> None:
    answer = call(deployed, {"raise": True})
    assert (answer.status_code, answer.ok) == (424, False)
    assert "the container answered 500" in answer.note
    log = deployments.logs(deployed.cloud, deployed.plan.endpoint.name, "blue", lines=500)
    assert "ValueError: bad input" in log
    assert "ready with hello" in log
    initializer = deployments.logs(deployed.cloud, deployed.plan.endpoint.name, "blue", "storage-initializer")
    assert "Downloaded" in initializer


def test_keys_stay_out_of_sight(deployed: Deployed) -> None:
    key = keys.credentials(deployed.cloud, deployed.endpoint)
    assert key.secret() and key.secret() not in repr(key)
    wrong = keys.EndpointCredential("not-the-key", "key")
    answer = scoring.score(deployed.cloud, deployed.endpoint, b"{}", credential=wrong)
    assert (answer.status_code, answer.ok) == (401, False)


@pytest.mark.parametrize("mode", ["aml_token", "aad_token"])
def test_tokens_of_other_auth_modes(deployed: Deployed, mode: str) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    made = endpoints.begin_create_or_update(deployed.cloud, Endpoint(name, auth_mode=mode)).result()
    assert made.auth_mode == mode
    token = keys.credentials(deployed.cloud, made)
    assert token.secret().count(".") == 2
    # Without a deployment the front end answers 404, and 401 to a token that it does not accept.
    assert scoring.score(deployed.cloud, made, b"{}", credential=token).status_code == 404
    wrong = keys.EndpointCredential("no", mode)
    assert scoring.score(deployed.cloud, made, b"{}", credential=wrong).status_code == 401
    endpoints.begin_delete(deployed.cloud, name).result()
    assert endpoints.read(deployed.cloud, name) is None


def test_a_change_of_the_endpoint_keeps_traffic(deployed: Deployed) -> None:
    wanted = replace(deployed.plan.endpoint, description="changed")
    changed = endpoints.begin_create_or_update(deployed.cloud, wanted, MARK).result()
    assert (changed.description, changed.traffic) == ("changed", {"blue": 100})
    endpoints.begin_create_or_update(deployed.cloud, deployed.plan.endpoint, MARK).result()


def test_nothing_is_left_to_do_for_what_is_as_the_plan_says(deployed: Deployed) -> None:
    found = live_state.read(deployed.cloud, deployed.plan)
    actions = {change.resource: change.action for change in changes(deployed.plan, found.as_dict())}
    assert {name: action for name, action in actions.items() if name != "code"} == {
        "endpoint": "skip",
        "model": "skip",
        "environment": "skip",
        "deployment": "skip",
        "traffic": "skip",
    }
    more = replace(deployed.plan, deployment=replace(deployed.plan.deployment, instance_count=2))
    changed = next(change for change in changes(more, found.as_dict()) if change.resource == "deployment")
    assert changed.action == "change"
    assert [(one.field, one.before, one.after) for one in changed.changes] == [("instance_count", 1, 2)]


def test_sizes_tell_quota_with_the_reserve(deployed: Deployed) -> None:
    found = {offer.name: offer for offer in sizes.offers(deployed.cloud, 3)}
    offer = found["Standard_DS3_v2"]
    assert (offer.cores, offer.quota_needed) == (4, 16)
    assert offer.quota_left is not None
    assert offer.fits == (offer.quota_left >= 16)
    assert "16 cores" in offer.reason


def test_an_environment_that_cannot_be_built_fails_with_the_words_of_the_build(
    deployed: Deployed, tmp_path: Path
) -> None:
    conda = tmp_path / "conda.yml"
    conda.write_text("dependencies:\n- python=3.10\n- pip:\n  - azureml-inference-server-http\n  - six==99.99.99\n")
    broken = Environment(name="broken-env", conda_file=conda, image=IMAGE)
    plan = replace(deployed.plan, deployment=replace(deployed.plan.deployment, name="broken", environment=broken))
    ids = replace(deployed.ids, environment=environments.register(deployed.cloud, broken).id)
    running = deployments.begin_create_or_update(deployed.cloud, plan, ids)
    with pytest.raises(OperationFailed) as caught:
        running.result()
    assert "ImageBuildFailure" in f"{caught.value.code} {caught.value.raw}"
    assert caught.value.message
    found = deployments.read(deployed.cloud, plan.endpoint.name, "broken")
    assert found is not None and found.provisioning_state == "Failed"
    removed = remove.remove(deployed.cloud, "broken")
    assert removed.removed == ["deployment broken"]
    assert f"endpoint {plan.endpoint.name}" in removed.left and "deployment blue" in removed.left


def test_a_size_without_quota_is_refused_at_once(deployed: Deployed) -> None:
    plan = replace(deployed.plan, deployment=replace(deployed.plan.deployment, name="huge", instance_count=50))
    with pytest.raises(CloudError) as caught:
        deployments.begin_create_or_update(deployed.cloud, plan, deployed.ids)
    assert "quota" in f"{caught.value.title}{caught.value.cause}".lower()
    assert deployments.read(deployed.cloud, plan.endpoint.name, "huge") is None


def test_what_somebody_else_made_is_left_alone(deployed: Deployed) -> None:
    cloud, name = deployed.cloud, f"t-{uuid.uuid4().hex[:10]}"
    theirs = Endpoint(name, tags={"cost-centre": "7"})
    endpoints.begin_create_or_update(cloud, theirs).result()
    ours = Endpoint(name, description="changed by the plan", tags={"team": "x"})
    changed = endpoints.begin_create_or_update(cloud, ours, MARK).result()
    assert changed.tags == {"cost-centre": "7", "team": "x"}
    removed = remove.remove(cloud.for_plan(replace(deployed.plan, endpoint=ours)))
    assert (removed.removed, removed.left) == ([], [f"endpoint {name}, which this program did not create"])
    endpoints.begin_delete(cloud, name).result()


def test_removing_leaves_nothing_of_the_plan(deployed: Deployed) -> None:
    removed = remove.remove(deployed.cloud)
    assert removed.removed == ["deployment blue", f"endpoint {deployed.plan.endpoint.name}"]
    assert endpoints.read(deployed.cloud, deployed.plan.endpoint.name) is None
    assert remove.remove(deployed.cloud).removed == []
