"""How long a rehearsed run takes: `python tests/bench/whole_run.py [--keep-downloads]`.

Prints the seconds from the start of `aml-deploy apply churn-xgboost --rehearse --yes --json` to the prediction: first
with nothing there (no rehearsal, no scoring environment, nothing downloaded), then again on another endpoint, and once
more without a change. With --keep-downloads, the packages that uv has downloaded before are used the first time.

With --against-notebook [SPEED], by turns: the same run, and the flow of a notebook that does one thing after another
with the SDK and looks every 30 s whether the endpoint and its traffic are done, every 10 s for the deployment. The
rehearsal's operations take Azure's durations divided by SPEED (10). What the service itself needs is the sum of the
operations that wait for each other, endpoint, deployment and traffic, by the times in the service's own answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(sys.executable).with_name("aml-deploy")
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "tui"]


def run_seconds(
    environ: dict[str, str],
    endpoint: str,
    *more: str,
    plan: str = "churn-xgboost",
    command: list[str] = COMMAND,
) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the start of a run to the line with its prediction, and its events."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "apply", plan, "--rehearse", "--yes", "--json", "--set", f"endpoint.name={endpoint}", *more],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    events, predicted = [], 0.0
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "run_finished":
            predicted = time.perf_counter() - began
    if process.wait() != 0 or events[-1].get("status") != "succeeded":
        raise SystemExit(f"The run did not succeed: {events[-1] if events else 'no events'}")
    return predicted, events


def task_figures(events: list[dict[str, Any]]) -> str:
    """The seconds of each task."""
    tasks = [event for event in events if event["event"] == "task_finished"]
    return ", ".join(f"{event['task']} {event.get('seconds') or 0:.1f}" for event in tasks)


NOTEBOOK = """
import os, sys, time
from pathlib import Path
from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    CodeConfiguration, Environment, ManagedOnlineDeployment, ManagedOnlineEndpoint, Model)
from azure.identity import DefaultAzureCredential

here, name = Path(sys.argv[1]), sys.argv[2]
client = MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["AZURE_RESOURCE_GROUP"],
                  os.environ["AZURE_ML_WORKSPACE"])
# The SDK itself looks every 30 s.
endpoint = client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, auth_mode="key")).result()
model = client.models.create_or_update(Model(name=name, path=str(here / "model"), type="custom_model"))
environment = client.environments.create_or_update(Environment(
    name=name, conda_file=str(here / "conda.yml"),
    image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1"))
poller = client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
    name="blue", endpoint_name=name, model=model, environment=environment, instance_type="Standard_DS3_v2",
    code_configuration=CodeConfiguration(code=str(here / "onlinescoring"), scoring_script="score.py"),
    instance_count=1))
while not poller.done():
    time.sleep(10)
poller.result()
endpoint.traffic = {"blue": 100}
client.online_endpoints.begin_create_or_update(endpoint).result()
print(client.online_endpoints.invoke(name, request_file=str(here / "sample-request.json")))
"""


def service_seconds(environ: dict[str, str], events: list[dict[str, Any]]) -> dict[str, float]:
    """How long the service worked at a run's operations, by task."""
    import requests

    session = requests.Session()
    session.trust_env, session.verify = False, environ["REQUESTS_CA_BUNDLE"]
    found: dict[str, float] = {}
    for event in events:
        if event["event"] != "task_operation" or not event.get("url"):
            continue
        origin = "/".join(event["url"].split("/")[:3])
        token = session.get(
            environ["IDENTITY_ENDPOINT"],
            params={"resource": origin, "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": environ["IDENTITY_HEADER"]},
            timeout=30,
        ).json()["access_token"]
        state = session.get(event["url"], headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
        begun, ended = (_moment(state[key]) for key in ("startTime", "endTime"))
        found[event["task"]] = found.get(event["task"], 0.0) + (ended - begun).total_seconds()
    return found


def _moment(text: str) -> datetime:
    whole, _, fraction = text.rstrip("Z").partition("+")[0].partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")


def against_notebook(environ: dict[str, str], speed: str) -> None:
    """Measure a run and the notebook's flow at the same pace, and print."""
    described = json.loads(
        subprocess.run(
            [sys.executable, "-m", "tui.rehearsal", "env", "--json", "--pace", "azure", "--speed", speed],
            env=environ,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    led = {name: value for name, value in environ.items() if name not in described["unset"]}
    led.update(described["set"])
    # The scoring environment is built once.
    run_seconds(environ, "churn-warm-01")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTEBOOK, str(ROOT / "presets" / "churn-xgboost"), "churn-note-01"],
        env=led,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    notebook = time.perf_counter() - began
    whole, events = run_seconds(environ, "churn-paced-01")
    service = service_seconds(led, events)
    moments = {event["event"]: _moment(event["time"]) for event in events}
    run = (moments["run_finished"] - moments["run_started"]).total_seconds()
    critical = sum(service.values())
    parts = ", ".join(f"{task} {seconds:.1f}" for task, seconds in service.items())
    print(f"notebook, one after another {notebook:6.1f} s")
    print(f"this, the whole command     {whole:6.1f} s   {notebook / whole:.2f} times as fast")
    print(f"this, first to last event   {run:6.1f} s   {task_figures(events)}")
    print(f"the service itself          {critical:6.1f} s   {parts}")
    print(f"over the service            {whole - critical:6.1f} s for the command, {run - critical:.1f} s for the run")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("AZURE_", "ARM_", "IDENTITY_"))
            },
            "AML_DEPLOY_HOME": str(Path(folder) / "home"),
            "AML_DEPLOY_CACHE": str(Path(folder) / "cache"),
            "AML_DEPLOY_CONTAINER_ENGINE": "none",
        }
        if "--keep-downloads" not in sys.argv:
            environ["UV_CACHE_DIR"] = str(Path(folder) / "uv")
        try:
            if "--against-notebook" in sys.argv:
                rest = sys.argv[sys.argv.index("--against-notebook") + 1 :]
                against_notebook(environ, rest[0] if rest and rest[0].isdecimal() else "10")
                return
            for name, endpoint in (
                ("first, nothing there", "churn-bench-01"),
                ("second, another endpoint", "churn-bench-02"),
                ("third, no change", "churn-bench-02"),
            ):
                seconds, events = run_seconds(environ, endpoint)
                answer = events[-1]["test"]
                print(f"{name:<26} {seconds:6.1f} s   test {answer['status_code']} in {answer['latency_ms']:.0f} ms")
                print(f"{'':<26} {task_figures(events)}")
        finally:
            subprocess.run([*COMMAND, "rehearsal", "--stop"], env=environ, check=False)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
