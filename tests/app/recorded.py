"""Recorded runs and answers for the panes, in the formats of the engine's journal and the helper."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tui.engine.journal.runs import Run, read, write_engine
from tui.helper.client import HelperError

NEEDS: dict[str, list[str]] = {
    "sign-in": [],
    "workspace": ["sign-in"],
    "endpoint": ["workspace"],
    "model": ["workspace"],
    "code": ["workspace"],
    "environment": ["workspace"],
    "deployment": ["endpoint", "model", "code", "environment"],
    "traffic": ["deployment"],
    "test": ["traffic"],
}
TYPICAL = {"sign-in": 1, "workspace": 1, "endpoint": 6, "model": 3, "code": 1, "environment": 1, "deployment": 25}
WORKSPACE = {"subscription_id": "11111111-2222-3333-4444-555555555555", "resource_group": "rg-ml", "name": "ws-churn"}
PORTAL = (
    "https://ml.azure.com/endpoints/realtime/churn-endpoint-01/detail?wsid=/subscriptions/"
    "11111111-2222-3333-4444-555555555555/resourceGroups/rg-ml/workspaces/ws-churn"
)
SCORING = "https://churn-endpoint-01.eastus2.inference.ml.azure.com/score"


class Recording:
    """A run folder whose journal a test writes event by event; `at` counts the seconds since the start."""

    def __init__(self, home: Path, *, ago: float = 0.0, run: str = "20261122-220501-ab12", rehearsed: bool = True):
        self.started = datetime.now(timezone.utc) - timedelta(seconds=ago)
        self.folder = home / "runs" / run
        (self.folder / "journal").mkdir(parents=True)
        self.id = run
        self.seq = 0
        self.about = {
            "run": run,
            "endpoint": "churn-endpoint-01",
            "deployment": "blue",
            "started": self.started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "rehearsed": rehearsed,
        }
        (self.folder / "run.json").write_text(json.dumps(self.about), encoding="utf-8")

    @property
    def run(self) -> Run:
        """The run as front ends see it."""
        found = read(self.folder)
        assert found is not None
        return found

    def engine_lives(self) -> Recording:
        """Make this process the run's engine."""
        write_engine(self.folder, os.getpid())
        return self

    def write(self, *events: tuple[float, str, dict[str, Any]]) -> None:
        """Append events as one file of the journal."""
        lines = []
        first = self.seq + 1
        for at, name, fields in events:
            self.seq += 1
            time = (self.started + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            lines.append(json.dumps({"seq": self.seq, "time": time, "run": self.id, "event": name, **fields}))
        path = self.folder / "journal" / f"{first:08d}.jsonl"
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(path)

    def begin(self) -> None:
        """run_started, with all tasks."""
        tasks = [{"name": name, "needs": needs, "typical_seconds": TYPICAL.get(name)} for name, needs in NEEDS.items()]
        self.write(
            (
                0,
                "run_started",
                {
                    **{key: self.about[key] for key in ("endpoint", "deployment", "rehearsed")},
                    "workspace": WORKSPACE,
                    "tasks": tasks,
                    "principal": "app churn-deployer",
                    "host": "driver-1",
                    "plan_hash": "0123456789ab",
                    "version": "0.1.0",
                    "state": str(self.folder),
                    "log": str(self.folder / "engine.log"),
                },
            )
        )

    def start(self, at: float, task: str, action: str = "create", detail: str = "") -> None:
        """task_started."""
        self.write((at, "task_started", {"task": task, "action": action, "detail": detail}))

    def finish(self, at: float, task: str, seconds: float, status: str = "succeeded", detail: str = "", **result: Any):
        """task_finished."""
        fields = {"task": task, "status": status, "seconds": seconds, "detail": detail, "result": result}
        self.write((at, "task_finished", fields))

    def log(self, at: float, task: str, *lines: str, source: str = "engine") -> None:
        """task_log, a line each."""
        self.write(*[(at, "task_log", {"task": task, "line": line, "source": source}) for line in lines])

    def to_middle(self) -> None:
        """Record up to the model's upload, alongside the endpoint's creation."""
        self.begin()
        self.start(0.1, "sign-in", "read")
        self.log(0.3, "sign-in", "Trying the default credential chain", "Signed in as app churn-deployer")
        self.finish(0.6, "sign-in", 0.5, detail="app churn-deployer", principal="app churn-deployer")
        self.start(0.6, "workspace", "read")
        self.log(0.9, "workspace", "ws-churn in eastus2, managed virtual network")
        self.finish(1.0, "workspace", 0.4, detail="ws-churn, eastus2", portal_url=PORTAL)
        self.start(1.0, "endpoint", detail="Creating churn-endpoint-01")
        self.start(1.0, "model", detail="Uploading churn-xgboost/model")
        self.start(1.0, "code", "skip")
        self.start(1.0, "environment")
        self.log(1.2, "endpoint", "PUT onlineEndpoints/churn-endpoint-01: 201, waiting for the operation")
        self.finish(1.3, "code", 0.3, "skipped", "the same content is registered as version 1")
        self.log(1.4, "environment", "Registered churn-model-adb-env:4")
        self.finish(1.5, "environment", 0.5, detail="churn-model-adb-env:4")
        self.write((2.0, "task_progress", {"task": "model", "done": 1_200_000, "total": 3_400_000, "unit": "bytes"}))

    def to_deployment(self) -> None:
        """Record up to the environment's build."""
        self.to_middle()
        self.finish(2.6, "model", 1.6, detail="churn-model-adb:4")
        self.finish(6.5, "endpoint", 5.5, detail="Succeeded")
        self.start(6.5, "deployment", detail="Creating blue")
        self.log(
            7.0,
            "deployment",
            "Resolved 47 packages in 312ms",
            "Downloading xgboost-cpu (5.1MiB)",
            "Installed 47 packages in 1.20s",
            source="build",
        )

    def to_success(self) -> None:
        """Record the whole run."""
        self.to_deployment()
        self.log(20.0, "deployment", "Azure ML Inferencing HTTP server v1.5.1", source="container")
        self.finish(24.0, "deployment", 17.5, detail="blue, 1 instance")
        self.start(24.0, "traffic", "change")
        self.finish(24.4, "traffic", 0.4, detail="blue 100 %")
        self.start(24.4, "test", "read")
        self.finish(24.6, "test", 0.2, detail="200 in 31 ms")
        self.end(24.6, "succeeded", test={
            "status_code": 200, "latency_ms": 31.4, "deployment": "blue",
            "response": '{"predictions": [{"churn": "yes", "probability": 0.98}, {"churn": "no", "probability": 0.0}]}',
        })  # fmt: skip

    def end(self, at: float, status: str, **fields: Any) -> None:
        """run_finished."""
        self.write(
            (
                at,
                "run_finished",
                {
                    "status": status,
                    "endpoint": "churn-endpoint-01",
                    "deployment": "blue",
                    "scoring_uri": SCORING,
                    "portal_url": PORTAL,
                    "test": None,
                    "message": "",
                    **fields,
                },
            )
        )

    def to_failure(self) -> None:
        """The environment's build fails on a pin that does not exist."""
        self.to_deployment()
        line = "Because there is no version of xgboost-cpu==9.9.9, your requirements cannot be satisfied."
        self.log(9.0, "deployment", line, source="build")
        card = {
            "id": "image-build-pip",
            "title": "The environment cannot be built: xgboost-cpu 9.9.9 does not exist.",
            "cause": "The conda file pins xgboost-cpu==9.9.9, and the package index has no such version. Azure builds "
            "the environment into an image when a deployment first uses it, and that build failed.",
            "remedy": "Pin a version that exists, for example xgboost-cpu==3.1.1, in churn-xgboost/conda.yml; then "
            "run again. What was created is kept.",
            "docs": "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints",
            "evidence": [line, "ImageBuildFailure: the build of the image failed"],
            "request_ids": ["6c3c5b10-7a3f-4a53-9d0e-3f8f2f6d8d11"],
            "field": "deployment.environment.conda_file",
        }
        self.write((9.1, "needs_attention", {"task": "deployment", "card": card}))
        self.finish(9.1, "deployment", 2.6, "failed", "ImageBuildFailure")
        self.end(9.2, "failed", message="The deployment blue failed: ImageBuildFailure.")


class Answers:
    """Replaces the helper process, and returns recorded answers.

    `answers` has the result of each question, a HelperError to raise, or a function of what was asked. A question
    named in `held` waits until `release` is called. `waits` has the seconds that each would have been waited for.
    """

    pid = None
    running = True

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.waits: dict[str, float] = {}
        self.held: dict[str, asyncio.Event] = {}

    def hold(self, question: str) -> None:
        """Hold back the answer to a query."""
        self.held[question] = asyncio.Event()

    def release(self, question: str) -> None:
        """Release held answers."""
        self.held.pop(question).set()

    async def start(self, env: Any = None) -> None:
        """Does nothing: there is no process to start."""

    async def close(self) -> None:
        """Does nothing: there is no process to stop."""

    async def ask(self, name: str, /, timeout: float = 120.0, **with_: Any) -> Any:
        """Return the recorded answer."""
        self.asked.append((name, with_))
        self.waits[name] = timeout
        if name in self.held:
            await self.held[name].wait()
        answer = self.answers.get(name, HelperError("Not recorded", f"No answer is recorded for {name}."))
        if callable(answer):
            answer = answer(with_)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer


CHANGES = [
    {"resource": "endpoint", "name": "churn-endpoint-01", "action": "skip", "changes": [], "why": "exists as planned"},
    {
        "resource": "model",
        "name": "churn-model-adb",
        "action": "create",
        "changes": [],
        "why": "new content: version 4",
    },
    {"resource": "code", "name": "onlinescoring", "action": "skip", "changes": [], "why": "same content"},
    {"resource": "environment", "name": "churn-model-adb-env", "action": "create", "changes": [], "why": "new"},
    {
        "resource": "deployment",
        "name": "blue",
        "action": "change",
        "changes": [
            {"field": "instance_count", "before": 1, "after": 3},
            {"field": "model", "before": "churn-model-adb:3", "after": "churn-model-adb:4"},
        ],
        "why": "two values differ",
    },
]
FINDINGS = [
    {"id": "sign-in", "severity": "ok", "field": "", "message": "Signed in as app churn-deployer.", "remedy": ""},
    {
        "id": "egress-managed",
        "severity": "warning",
        "field": "deployment.egress_public_network_access",
        "message": "The workspace has a managed virtual network, so Azure ignores the egress flag.",
        "remedy": "Leave it empty; the workspace's outbound rules decide.",
        "docs": "https://learn.microsoft.com/azure/machine-learning/concept-secure-online-endpoint",
    },
    {
        "id": "dns",
        "severity": "unknown",
        "field": "",
        "message": "Whether this machine can reach the scoring URI is known once the endpoint exists.",
        "remedy": "",
    },
]
BLOCKER = {
    "id": "quota",
    "severity": "blocker",
    "field": "deployment.instance_type",
    "message": "Quota: 8 cores of Standard DSv2 are needed, 6 are left in eastus2.",
    "remedy": "Choose a smaller size, or ask for more quota.",
}
WORKSPACE_ANSWER = {"location": "eastus2", "isolation": "managed_network", "name": "ws-churn"}
ENDPOINT_ANSWER = {
    "exists": True,
    "provisioning_state": "Succeeded",
    "scoring_uri": SCORING,
    "auth_mode": "key",
    "public_network_access": "disabled",
    "traffic": {"blue": 100},
    "deployments": [
        {"name": "blue", "provisioning_state": "Succeeded", "instance_type": "Standard_D4as_v4", "instance_count": 1}
    ],
}
SCORE_ANSWER = {
    "status_code": 200,
    "latency_ms": 31.4,
    "headers": {
        "azureml-model-deployment": "blue",
        "content-type": "application/json",
        "x-request-id": "6c3c5b10-7a3f-4a53-9d0e-3f8f2f6d8d11",
    },
    "body": '{"predictions":[{"churn":"yes","probability":0.9812},{"churn":"no","probability":0.0031}]}',
    "deployment": "blue",
    "ok": True,
    "note": "",
}
