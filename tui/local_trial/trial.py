"""Runs a local trial: a separate rehearsal, a run in it, calls, measurements; then everything is removed.

It is a separate process (`python -m tui.local_trial`) with a temporary state folder, so that it is independent of the
user's runs and of a rehearsal with scenarios or another pace.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable

from tui.common import child_process
from tui.common.request_body import as_text
from tui.local_trial import verdict
from tui.local_trial.verdict import Figures, Finding
from tui.local_trial.watching import Watching
from tui.plan.load_save.document import Document
from tui.plan.model import Deployment, Plan

if TYPE_CHECKING:
    from tui.helper.client import HelperClient

ENDPOINT = "local-trial"
SOURCE = "local trial"
LONGEST_MS = 180_000
"""Azure's limit for a request (online deployment YAML); the plan's own limit is compared afterwards."""
CALLS = 12
CALL_SECONDS = 30.0
"""No call is started after this time."""
LOOK_SECONDS = 0.1
GONE_SECONDS = 30.0
STOP_SECONDS = 30.0
_EVENT = re.compile(r"Name: (\w+), Type: \w+, Time: (\S+?),")

Tell = Callable[[str], None]


class Ended(Exception):
    """The local trial was cancelled."""


class CannotServe(Exception):
    """Part of the plan cannot be served on this machine; the text says what, `key` is the plan's field."""

    def __init__(self, sentence: str, remedy: str, key: str) -> None:
        super().__init__(sentence)
        self.remedy, self.key = remedy, key


@dataclasses.dataclass(frozen=True)
class Served:
    """A plan that is served on this machine: what `measure` of `perform` is given."""

    plan: Plan
    document: Document
    environ: Mapping[str, str]
    memory: Watching
    tell: Tell
    ended: threading.Event

    def again(self, document: Document) -> str:
        """Serve it with other settings; return why that failed, or an empty text. Raises Ended."""
        view, _ = _deployed(document, self.environ, self.tell, self.ended)
        return "" if view.status == "succeeded" else str((view.card or {}).get("cause") or view.message)


def perform(
    document: Document,
    environ: Mapping[str, str],
    tell: Tell,
    ended: threading.Event,
    *,
    measure: Callable[[Served], dict[str, Any]] | None = None,
    starting: contextlib.AbstractContextManager[object] | None = None,
) -> dict[str, Any]:
    """Serve a plan on this machine and measure it: `{"findings": […], "figures": […], "card": … or None}`.

    `environ` is the front end's, with a state folder for this call only; `tell` receives one line of progress
    at a time. `measure` replaces the calls with the sample, and adds what it returns to the report; its findings come
    first. The rehearsal is started inside `starting`. Raises Ended after `ended` was set, PlanInvalid, CannotRehearse,
    OSError.
    """
    from tui.rehearsal_client import WORKSPACE, judge, prepare

    tried = as_tried(document)
    # The rehearsal's own workspace, with the isolation that fits the plan.
    environ = {name: value for name, value in environ.items() if name not in WORKSPACE.values()}
    judge(tried, environ)
    tell("Starting a local Azure on this machine.")
    with Watching(environ) as memory:
        try:
            with starting or contextlib.nullcontext():
                merged = prepare(tried, environ)
            return _performed(document, tried, merged, memory, tell, ended, measure)
        finally:
            tell("Cleaning up.")
            _stop_rehearsal(environ)
            memory.forget()


def as_tried(document: Document) -> Document:
    """The document for the trial: one instance, the longest request timeout, and the rehearsal's endpoint, workspace
    and identity, so that the plan need not have these."""
    from tui.rehearsal_client import WORKSPACE

    changed = document.copy()
    for key, variable in WORKSPACE.items():
        changed.set(key, f"${{env:{variable}}}", SOURCE)
    changed.set("credential", {"method": "default"}, SOURCE)
    changed.set("endpoint.name", ENDPOINT, SOURCE)
    items = changed.listed()
    if not isinstance(changed.tree.get("deployment"), dict):
        changed.tree["deployment"] = {}
    for item in (*items, changed.tree["deployment"]):
        _plainly(item)
    for number in range(len(items)):
        changed.sources[f"deployments.{number}.instance_count"] = SOURCE
    for key in ("rollout", "mirror_traffic", "endpoint.identity"):
        changed.set(key, None, SOURCE)
    if not items:
        changed.set("traffic", {str(changed.value("deployment.name")): 100}, SOURCE)
    return changed


def _plainly(deployment: dict[str, Any]) -> None:
    """Set one instance of a size that the rehearsal always has; containers are not limited by the size here."""
    deployment["instance_count"] = 1
    deployment["instance_type"] = "Standard_D4as_v4"
    deployment.pop("autoscale", None)
    settings = deployment.get("request_settings")
    deployment["request_settings"] = {
        **(settings if isinstance(settings, dict) else {}), "request_timeout_ms": LONGEST_MS
    }  # fmt: skip


def _performed(
    document: Document,
    tried: Document,
    environ: Mapping[str, str],
    memory: Watching,
    tell: Tell,
    ended: threading.Event,
    measure: Callable[[Served], dict[str, Any]] | None,
) -> dict[str, Any]:
    from tui.plan.load_save.resolve import resolve

    plan = resolve(tried, environ)
    # With their own sizes, probes and timeouts.
    wanted = {one.name: one for one in resolve(document, environ, lenient=True).every_deployment}
    for one in plan.every_deployment:
        _can_be_served(one)
    view, task = _deployed(tried, environ, tell, ended)
    names = " and ".join(one.name for one in plan.every_deployment)
    if view.status == "blocked":
        return _report([_blocked(view, names)])
    failed = [] if view.status == "succeeded" else [verdict.not_served(view.card, view.message, task, names)]
    if failed and task.partition(":")[0] != "test":
        return _report(failed, card=view.card)
    if measure is not None:
        told = {} if failed else measure(Served(plan, tried, environ, memory, tell, ended))
        return {**_report(failed, card=view.card), **told}
    tell("Calling it with the sample.")
    figures = asyncio.run(_measured(plan, tried, environ, view, ended))
    for measured in figures:
        found = memory.deployments.get(measured.name, {})
        measured.peak, measured.processes = found.get("peak"), found.get("processes", 0)
    findings = [
        item
        for measured in figures
        for item in verdict.served(wanted.get(measured.name) or plan.of(measured.name).deployment, measured)
    ]
    return _report([*findings, *(failed or [verdict.answered(view.test, figures)])], figures, view.card)


def _report(findings: list[Finding], figures: list[Figures] | None = None, card: Any = None) -> dict[str, Any]:
    return {"findings": findings, "figures": [one.as_dict() for one in figures or ()], "card": card}


def _can_be_served(deployment: Deployment) -> None:
    """Raise CannotServe for assets that exist only in Azure."""
    environment, key = deployment.environment, "deployment.environment.conda_file"
    if deployment.model.registered:
        text = f"The model {deployment.model.registered} is registered in Azure and is not on this machine."
        key = "deployment.model.path"
    elif environment.registered:
        text = f"The environment {environment.registered} is registered in Azure and cannot be built on this machine."
    elif deployment.model.type == "triton_model" and deployment.code_configuration is None:
        text, key = "A local trial does not run Triton's server, which the model needs.", verdict.MODEL
    elif environment.conda_file is None and (deployment.code_configuration is not None or not deployment.model.given):
        text = "The environment is an image without a conda file; a local trial does not run container images."
    else:
        return
    raise CannotServe(text, "Use local files in the plan to serve it on this machine.", key)


def _blocked(view: Any, names: str) -> Finding:
    """The finding for a run that the preflight blocked, because of the plan's files."""
    found = [dict(event) for event in view.findings if event.get("severity") == "blocker"]
    said = " ".join(str(event.get("message") or "") for event in found) or view.message
    first = found[0] if found else {}
    text = f"{names} was not served on this machine because of the preflight's findings: {said}"
    return verdict.finding("trial-ready", "blocker", str(first.get("field") or verdict.MODEL), text,
                           str(first.get("remedy") or ""), str(first.get("docs") or ""))  # fmt: skip


# The run


def _deployed(document: Document, environ: Mapping[str, str], tell: Tell, ended: threading.Event) -> tuple[Any, str]:
    """Deploy a plan; return the run's last view and the failed task, or an empty text. Raises Ended."""
    from tui.engine import start_stop

    if ended.is_set():
        raise Ended
    run = start_stop.start(document, environ=environ, rehearse=True)
    try:
        return _follow(run, tell, ended)
    except BaseException:
        _stop(run)
        raise


def _follow(run: Any, tell: Tell, ended: threading.Event) -> tuple[Any, str]:
    """Follow the run; return its last view and the failed task, or an empty text. Raises Ended."""
    from tui.engine.journal.run_view import RunView

    view, seen, failed, told = RunView(), 0, "", ""
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        if ended.is_set():
            raise Ended
        alive = run.alive
        events = run.journal.read(after=seen)
        for event in events:
            seen = int(event["seq"])
            failed = str(event.get("task")) if event.get("event") == "needs_attention" else failed
        view = view.fold_all(events)
        if events and events[-1].get("event") == "run_finished":
            return view, failed
        if not alive and not events and time.monotonic() > deadline:
            raise OSError(0, "The run ended without a result")
        if events:
            deadline = time.monotonic() + GONE_SECONDS
        said = _progress(view)
        if said and said != told:
            told = said
            tell(said)
        time.sleep(LOOK_SECONDS)


def _progress(view: Any) -> str:
    """The task in progress and its last message."""
    running = [task for task in view.tasks if task.status == "running"]
    if not running:
        return ""
    task = running[-1]
    line = " ".join(str(task.last_line or task.detail).split())
    return f"{task.name}: {line}" if line else str(task.name)


def _stop(run: Any) -> None:
    from tui.engine import start_stop

    start_stop.stop(run)
    deadline = time.monotonic() + STOP_SECONDS
    while run.alive and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


# What is measured


async def _measured(
    plan: Plan, document: Document, environ: Mapping[str, str], view: Any, ended: threading.Event
) -> list[Figures]:
    from tui.helper.client import HelperClient, HelperError

    body = _sample(plan)
    client = HelperClient()
    found = []
    try:
        await client.start(dict(environ))
        for one in plan.every_deployment:
            figures = Figures(one.name, built=_built(view, one.name))
            found.append(figures)
            sent = {"document": document.tree, "base": str(document.base), "secrets": {}}
            with contextlib.suppress(HelperError):
                figures.ready = await ready_in(client, sent, one.name)
            if body is None:
                continue
            try:
                answer = await client.ask("burst", timeout=LONGEST_MS / 1000 + 60, plan=sent, body=body,
                                          deployment=one.name, count=CALLS, seconds=CALL_SECONDS)  # fmt: skip
            except HelperError as error:
                figures.bad, figures.first_bad = 1, f"{error.title}. {error.cause}"
                continue
            calls = answer.get("calls") or []
            figures.calls = [float(call["latency_ms"]) for call in calls if call.get("ok") and call.get("latency_ms")]
            figures.bad = sum(not call.get("ok") for call in calls)
            first_bad = answer.get("first_bad") or (answer.get("error") or {}).get("title") or ""
            figures.first_bad = str(first_bad)[:400]
            if ended.is_set():
                raise Ended
    finally:
        await client.close()
    return found


def _sample(plan: Plan) -> str | None:
    """The sample request as text for the helper; None if there is none or it cannot be read."""
    if plan.test.request is None:
        return None
    try:
        return as_text(plan.test.request)
    except OSError:
        return None


def _built(view: Any, name: str) -> float | None:
    tasks = (view.task(f"deployment:{name}"), view.task("deployment"))
    return next((float(task.seconds) for task in tasks if task.seconds is not None), None)


async def ready_in(client: HelperClient, sent: dict[str, Any], name: str) -> float | None:
    """Seconds from the start of a deployment's container to its readiness. Raises HelperError."""
    log = await client.ask("logs", timeout=60, plan=sent, deployment=name, lines=1)
    return started_in(str((log or {}).get("content") or ""))


def started_in(log: str) -> float | None:
    """Seconds from the container's last start to its readiness, by the events in a deployment's log."""
    started: datetime | None = None
    took: float | None = None
    for name, stamp in _EVENT.findall(log):
        at = _time(stamp)
        if name == "Started":
            started = at
        elif name == "ContainerReady" and started is not None and at is not None:
            took = (at - started).total_seconds()
    return took


def _time(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    except ValueError:
        return None


def _stop_rehearsal(environ: Mapping[str, str]) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            child_process.command("tui.rehearsal", "stop"),
            env=child_process.machine_only(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STOP_SECONDS + 30,
            check=False,
        )
