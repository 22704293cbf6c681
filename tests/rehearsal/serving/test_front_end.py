"""The scoring front end, in front of real containers: who may score, where a request goes, what comes back."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tui.rehearsal.serving.bare_process import BareProcesses
from tui.rehearsal.serving.container_log import DeploymentLog
from tui.rehearsal.serving.deployment_spec import DeploymentSpec
from tui.rehearsal.serving.front_end import ScoringEndpoint, score
from tui.rehearsal.serving.replicas import ReplicaSet

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = """
import json, os, time
from pathlib import Path
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

def init():
    pass

@rawhttp
def run(request):
    asked = json.loads(request.get_data() or b"{}")
    if "folder" in asked:
        Path(asked["folder"], os.environ["DEPLOYMENT"]).touch()
    if "wait_for" in asked:
        while not Path(asked["wait_for"]).exists():
            time.sleep(0.01)
    if "exit" in asked:
        os._exit(1)
    if "fail" in asked:
        raise ValueError("from run")
    if "status" in asked:
        return AMLResponse("as asked", asked["status"])
    if "stream" in asked:
        return AMLResponse((f"part {n};" for n in range(3)), 200)
    if "text" in asked:
        return AMLResponse("plain, not JSON", 200)
    return {"deployment": os.environ["DEPLOYMENT"], "headers": dict(request.headers)}
"""


@dataclass
class Front:
    """A running front end, and the means to call it."""

    endpoint: ScoringEndpoint
    session: aiohttp.ClientSession
    url: str

    async def post(self, body: object = None, **headers: str) -> tuple[int, str, aiohttp.typedefs.LooseHeaders]:
        """Sends a request with the primary key unless another Authorization is given; "" leaves it out."""
        sent = {"Authorization": "Bearer first-key", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if not sent["Authorization"]:
            del sent["Authorization"]
        async with self.session.post(self.url, json=body or {}, headers=sent) as answer:
            return answer.status, await answer.text(), answer.headers


def names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replicas(
    scoring_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, ReplicaSet]]:
    root = tmp_path_factory.mktemp("front")
    (root / "score.py").write_text(SCRIPT)
    made = {}
    for name in ("blue", "green"):
        spec = DeploymentSpec(
            endpoint="e",
            deployment=name,
            code_dir=root,
            scoring_script="score.py",
            model_dir=root,
            work_dir=root / name,
            environment_variables={"DEPLOYMENT": name},
            request_timeout=60,
        )
        made[name] = ReplicaSet(spec, DeploymentLog(root / name / "log"), BareProcesses(spec, scoring_python))
    await asyncio.gather(*(one.start() for one in made.values()))
    yield made
    await asyncio.gather(*(one.stop() for one in made.values()))


@pytest_asyncio.fixture(loop_scope="module")
async def front(replicas: dict[str, ReplicaSet]) -> AsyncIterator[Front]:
    def good_token(token: str) -> bool:
        return token == "good-token"

    endpoint = ScoringEndpoint("e", "key", ("first-key", "second-key"), good_token, {"blue": 100}, {}, dict(replicas))

    async def handle(request: web.Request) -> web.StreamResponse:
        return await score(request, endpoint)

    application = web.Application()
    application.router.add_route("*", "/score", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession() as session:
        yield Front(endpoint, session, f"http://127.0.0.1:{runner.addresses[0][1]}/score")
    await runner.cleanup()


@pytest.mark.smoke
async def test_an_answer_carries_what_azures_front_end_adds(front: Front) -> None:
    status, body, headers = await front.post(x_request_id="mine", x_ms_client_request_id="a b/c_d-é" + "x" * 60)
    assert status == 200
    assert '"deployment": "blue"' in body
    assert headers["azureml-model-deployment"] == "blue"
    assert headers["Server"] == "azureml-frontdoor"
    assert headers["x-ms-run-function-failed"] == "False"
    # The service's own request id replaces the caller's; the client's is cleaned and cut at 40 characters.
    assert str(uuid.UUID(headers["x-request-id"])) == headers["x-request-id"]
    assert headers["x-ms-client-request-id"] == ("abc_d-" + "x" * 60)[:40]
    assert len(headers.getall("x-request-id")) == 1
    # The container sees the request's id, never the key.
    assert headers["x-request-id"] in body
    assert "first-key" not in body


@pytest.mark.parametrize(
    ("authorization", "status", "body"),
    [
        ("Bearer second-key", 200, None),
        ("bearer first-key", 200, None),
        ("Bearer wrong", 401, "key_auth_access_denied"),
        ("Bearer good-token", 401, "key_auth_access_denied"),
        ("first-key", 401, "key_auth_bad_header_forbidden"),
        ("Basic first-key", 401, "key_auth_bad_header_forbidden"),
        ("", 401, "key_auth_bad_header_forbidden"),
    ],
)
async def test_keys_decide_who_may_score(front: Front, authorization: str, status: int, body: str | None) -> None:
    got, text, headers = await front.post(Authorization=authorization)
    assert got == status
    assert body is None or text == body
    assert headers["x-request-id"]


@pytest.mark.parametrize("mode", ["aml_token", "aad_token", "AMLToken", "AADToken"])
async def test_token_endpoints_take_tokens_and_no_keys(front: Front, mode: str) -> None:
    front.endpoint.auth_mode = mode
    assert (await front.post(Authorization="Bearer good-token"))[0] == 200
    assert (await front.post(Authorization="Bearer first-key"))[0] == 401


async def test_the_header_pins_a_deployment_that_has_no_traffic(front: Front) -> None:
    status, _, headers = await front.post(azureml_model_deployment="green")
    assert (status, headers["azureml-model-deployment"]) == (200, "green")


async def test_nothing_to_route_to_is_a_404(front: Front) -> None:
    status, _, _ = await front.post(azureml_model_deployment="unknown")
    assert status == 404
    front.endpoint.traffic = {"blue": 0}
    status, body, _ = await front.post()
    assert status == 404
    assert body.startswith("No valid deployments to route to.")


async def test_traffic_is_split_by_weight(front: Front) -> None:
    front.endpoint.traffic = {"blue": 50, "green": 50}
    served = [(await front.post())[2]["azureml-model-deployment"] for _ in range(60)]
    # The chance that a fair split misses one of them is below 1 in 10^17.
    assert set(served) == {"blue", "green"}


@pytest.mark.parametrize("status", [201, 400, 404, 500, 503])
async def test_whatever_is_not_200_in_the_container_is_a_424(front: Front, status: int) -> None:
    got, body, headers = await front.post({"status": status})
    assert got == 424
    assert headers["ms-azureml-model-error-statuscode"] == str(status)
    assert headers["ms-azureml-model-error-reason"] == "model_error"
    assert "as asked" in body


async def test_an_exception_in_run_is_a_424_with_the_servers_body(front: Front) -> None:
    status, body, headers = await front.post({"fail": True})
    assert (status, headers["ms-azureml-model-error-statuscode"]) == (424, "500")
    assert "An unexpected error occurred in scoring script" in body


async def test_an_exit_in_run_is_a_424_and_the_next_call_works(front: Front) -> None:
    status, _, headers = await front.post({"exit": True})
    assert status == 424
    assert headers["ms-azureml-model-error-statuscode"] == "502"
    assert (await front.post())[0] == 200


async def test_answers_that_are_not_json_and_streams_pass_through(front: Front) -> None:
    assert (await front.post({"text": True}))[:2] == (200, "plain, not JSON")
    assert (await front.post({"stream": True}))[:2] == (200, "part 0;part 1;part 2;")


async def test_a_slow_answer_is_a_408(front: Front, tmp_path: Path) -> None:
    blue, release = front.endpoint.replicas["blue"], tmp_path / "release"
    before = blue.spec
    blue.spec = replace(before, request_timeout=0.2)
    try:
        status, _, headers = await front.post({"wait_for": str(release)})
    finally:
        blue.spec = before
        release.touch()
    assert status == 408
    assert headers["azureml-model-deployment"] == "blue"
    assert blue.pending == 0


async def test_too_many_requests_at_once_are_a_429(front: Front, tmp_path: Path) -> None:
    release = tmp_path / "release"
    blue = front.endpoint.replicas["blue"]
    # 2 × 1 concurrent request × 1 instance: one is served, one waits.
    first = [asyncio.ensure_future(front.post({"wait_for": str(release)})) for _ in range(2)]
    while blue.pending < 2:  # noqa: ASYNC110 (the front end has no event for it)
        await asyncio.sleep(0.01)
    status, body, headers = await front.post()
    assert (status, body) == (429, "")
    assert headers["ms-azureml-model-error-reason"] == "too_many_pending_request"
    release.touch()
    assert [answer[0] for answer in await asyncio.gather(*first)] == [200, 200]
    assert blue.pending == 0


async def test_mirrored_copies_reach_the_other_deployment_and_change_nothing(front: Front, tmp_path: Path) -> None:
    front.endpoint.mirror_traffic = {"green": 100}
    status, _, headers = await front.post({"folder": str(tmp_path)})
    assert (status, headers["azureml-model-deployment"]) == (200, "blue")
    while front.endpoint.replicas["green"].pending:  # noqa: ASYNC110 (a mirrored copy tells nobody)
        await asyncio.sleep(0.01)
    assert names_in(tmp_path) == {"blue", "green"}


async def test_a_pinned_request_is_not_mirrored(front: Front, tmp_path: Path) -> None:
    front.endpoint.mirror_traffic = {"green": 100}
    await front.post({"folder": str(tmp_path)}, azureml_model_deployment="blue")
    assert front.endpoint.replicas["green"].pending == 0
    assert names_in(tmp_path) == {"blue"}


async def test_a_deployment_whose_containers_are_gone_says_that_it_is_not_ready(
    front: Front, scoring_python: Path
) -> None:
    spec = replace(front.endpoint.replicas["blue"].spec, scoring_script="absent.py")
    crashed = ReplicaSet(spec, front.endpoint.replicas["blue"].log, BareProcesses(spec, scoring_python))
    front.endpoint.replicas["blue"] = crashed
    status, _, headers = await front.post()
    assert status == 424
    assert headers["ms-azureml-model-error-reason"] == "model_not_ready"
    await crashed.stop()
