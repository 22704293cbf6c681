"""A sign-in host that is slow or fails: it is waited for, or said to be unavailable, and never taken for a refusal."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.hostile.behaviours import drip, error, status
from tests.hostile.matrix import Ground
from tests.hostile.proxy import Behaviour, Exchange, Proxy

PRINCIPAL = {
    "method": "service_principal",
    "tenant_id": "${env:REHEARSAL_TENANT_ID}",
    "client_id": "${env:REHEARSAL_CLIENT_ID}",
    "client_secret": "${env:REHEARSAL_CLIENT_SECRET}",
}
TOKEN = "/oauth2/v2.0/token"
pytestmark = pytest.mark.slow


def command(ground: Ground, name: str, *words: str) -> list[str]:
    sets = [f"credential.{key}={value}" for key, value in PRINCIPAL.items()] + [f"endpoint.name={name}"]
    chosen = [word for one in sets for word in ("--set", one)]
    return [sys.executable, "-m", "tui", words[0], str(ground.plan(name)), "--json", *words[1:], *chosen]


def late(exchange: Exchange) -> None:
    """The answer after two seconds."""
    answer = exchange.ask()
    exchange.pause(2)
    exchange.reply(answer.status, answer.body, answer.headers)


@pytest.mark.parametrize(
    ("behaviour", "times", "said"),
    [
        (late, math.inf, ""),
        (error(503, "ServerBusy"), 2, ""),
        (status(500), math.inf, "Microsoft Entra is unavailable at the moment"),
        (drip, math.inf, "No answer within"),
    ],
    ids=["late", "busy for a while", "failing", "a byte a second"],
)
def test_a_check_waits_for_the_sign_in_host_or_says_that_it_is_unavailable(
    ground: Ground, request: pytest.FixtureRequest, behaviour: Behaviour, times: float, said: str
) -> None:
    name = f"sign-in-{request.node.callspec.indices['said']}"
    with Proxy(ground.env, ground.certificates[0]) as proxy:
        rule = proxy.on("POST", TOKEN, behaviour, times)
        env = {**proxy.environ, "AML_DEPLOY_HOME": str(ground.folder / name / "state")}
        done = subprocess.run(
            command(ground, name, "check"), env=env, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
        )
    assert rule.met
    assert done.returncode == 0, done.stderr
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [one for one in findings if one["severity"] == "blocker"]
    unknown = [one["message"] for one in findings if (one["id"], one["severity"]) == ("sign-in", "unknown")]
    assert bool(unknown) is bool(said) and said in "".join(unknown)


@pytest.mark.parametrize(
    ("task", "method", "pattern"),
    [("sign-in", "POST", TOKEN), ("endpoint", "PUT", "/onlineEndpoints/[^/]+[?]")],
    ids=["sign-in", "endpoint"],
)
def test_a_stop_ends_the_wait_for_a_throttled_request(ground: Ground, task: str, method: str, pattern: str) -> None:
    with Proxy(ground.env, ground.certificates[0]) as proxy:
        throttled = error(429, "TooManyRequests", ("Retry-After", "300"))
        rule = proxy.on(method, pattern, throttled, math.inf)
        env = {**proxy.environ, "AML_DEPLOY_HOME": str(ground.folder / f"stop-{task}" / "state")}
        with subprocess.Popen(
            command(ground, f"stop-{task}", "apply", "--yes"),
            env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            assert running.stdout is not None
            for line in running.stdout:
                event = json.loads(line)
                if (event["event"], event.get("task")) == ("task_started", task):
                    break
            while not rule.met and running.poll() is None:
                time.sleep(0.02)
            running.send_signal(signal.SIGINT)
            rest, told = running.communicate(timeout=120)  # less than the service's 300 seconds
    assert running.returncode == 130, told
    last = json.loads(rest.splitlines()[-1])
    assert (last["event"], last["status"]) == ("run_finished", "cancelled")
    # Models and code are registered while the endpoint's request waits.
    assert "not created anything in Azure" in last["message"] or (task, "kept" in last["message"]) == ("endpoint", True)
    assert ground.azure.get(f"onlineEndpoints/stop-{task}") is None
