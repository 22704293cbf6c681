"""Keeps a run's plan in the workspace, if the run changed its endpoint, a deployment or the traffic.

Begun once the traffic is set, beside the last test, else at the end: a run that is stopped before has not made its plan
true. What was changed is read from the journal, also of an earlier engine of the run: an interrupted run keeps its plan
when it is resumed.
"""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from tui.common.deadlines import NoAnswer, Question
from tui.common.redact import each_text, looks_secret, redact
from tui.engine.journal.journal import Journal
from tui.engine.resume_state import kind_of
from tui.engine.task_context import Outcome, Run, Stopped, TaskContext
from tui.plan.load_save.document import DEPLOYMENTS, Document
from tui.plan.load_save.references import REFERENCE

KEEP_SECONDS = 20.0
"""How long keeping may take, from when it is begun."""
NOT_KEPT = "The plan was not kept in the workspace, so rollback --to cannot deploy this version again."
_HERE_ONLY = ("workspace", "credential", "test")


def beside(work: Callable[[TaskContext], Outcome]) -> Callable[[TaskContext], Outcome]:
    """The work of a task after the traffic is set, which begins to keep the plan."""

    def both(task: TaskContext) -> Outcome:
        with contextlib.suppress(Exception):  # it is tried again at the end, and told there
            _begin(task.run)
        return work(task)

    return both


def ended(run: Run, stopped: Callable[[], bool]) -> str:
    """Wait until the plan is kept, or the run is asked to stop; why it was not kept, in sentences, else ""."""

    def check() -> None:
        if stopped():
            raise Stopped

    shift = None if {"traffic", "rollout"} & run.results.keys() else run.shift
    try:
        check()
        _begin(run, None if shift is None else shift.after if shift.applied else shift.before)
        if run.keeping is not None:
            run.keeping.answer(check)
    except Stopped:
        pass
    except NoAnswer:
        return f"{NOT_KEPT} The workspace and its storage did not answer within {KEEP_SECONDS:.0f} seconds."
    except Exception as error:  # whatever it is, the deployment is there
        traceback.print_exc()
        return f"{NOT_KEPT} {error} {getattr(error, 'remedy', '')}".strip()
    return ""


def begun(run: Run) -> set[str]:
    """What the run, or an earlier engine of it, has begun in Azure: create, change, register."""
    return {event["operation"] for event in _intents(run)}


def _intents(run: Run) -> list[dict[str, Any]]:
    return [event for event in Journal(run.folder).read() if event.get("event") == "task_intent"]


def _begin(run: Run, split: Mapping[str, int] | None = None) -> None:
    """Begin to keep the plan unless that is done, with the split that a shift which failed has left."""
    if run.keeping is not None:
        return
    changed = {str(event.get("task")) for event in _intents(run)}
    deployments = {f"deployment:{one.name}" if run.plan.deployments else "deployment": one.name
                   for one in run.plan.every_deployment}  # fmt: skip
    changed |= {task.replace("autoscale", "deployment", 1) for task in changed if kind_of(task) == "autoscale"}
    if deployments.keys() <= run.results.keys() and changed & {"endpoint", "traffic", "rollout", *deployments}:
        made = [name for task, name in deployments.items() if task in changed]
        run.keeping = Question(lambda: _keep(run, made, split), KEEP_SECONDS)


def _keep(run: Run, made: Sequence[str], split: Mapping[str, int] | None) -> None:
    from tui.cloud.endpoints import kept_plans
    from tui.plan.load_save.load import load

    content = content_of(run, load(run.folder / "plan.yml"))
    if split is not None:
        content["document"]["traffic"] = dict(split)
    kept_plans.keep(run.cloud, run.plan.endpoint.name, run.journal.run, content, run.tags, made)


def content_of(run: Run, document: Document) -> dict[str, Any]:
    """What is kept: the plan without workspace and credential and without files of this machine, and asset ids."""
    assets = {}
    documents = document.each()
    for one, deployment in zip(documents, run.plan.every_deployment):
        suffix = f":{deployment.name}" if run.plan.deployments else ""
        ids = {kind: run.result(f"{kind}{suffix}", "id") or None for kind in ("model", "environment", "code")}
        assets[deployment.name] = ids
        _refer(one.tree["deployment"], deployment.name, ids, run.cloud.workspace_id)
    tree = {key: value for key, value in documents[0].tree.items() if key not in _HERE_ONLY}
    tree["endpoint"] = {**_without_secrets(tree.get("endpoint") or {}), "name": run.plan.endpoint.name}
    if document.listed():
        del tree["deployment"]
        tree[DEPLOYMENTS] = [one.tree["deployment"] for one in documents]
    return {"run": run.journal.run, "document": each_text(tree, redact), "assets": assets}


def _refer(tree: dict[str, Any], name: str, ids: Mapping[str, str | None], workspace: str) -> None:
    """Replace the paths in a deployment's tree by the registered assets, and its secrets by references."""
    from tui.cloud.assets.asset_reference import in_plan

    tree.update(_without_secrets(tree), name=name)
    for kind, key, assets in (("model", "path", "models"), ("environment", "registered", "environments")):
        tree.pop(kind, None)
        identifier = ids[kind]
        if identifier:
            tree[kind] = {key: in_plan(identifier, assets, workspace)}
    code = tree.pop("code_configuration", None)
    if code and ids["code"]:
        tree["code_configuration"] = {**code, "code": f"azureml:{ids['code']}"}


def _without_secrets(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree without tags that look like secrets; such a variable becomes a reference to one of this name."""
    kept = dict(tree)
    if kept.get("tags"):
        kept["tags"] = {name: str(value) for name, value in kept["tags"].items() if not _secret(name, value)}
    if kept.get("environment_variables"):
        kept["environment_variables"] = {
            name: f"${{env:{re.sub(r'[^A-Za-z0-9_]', '_', name)}}}" if _secret(name, value) else str(value)
            for name, value in kept["environment_variables"].items()
        }
    return kept


def _secret(name: str, value: object) -> bool:
    """Whether a value, apart from its references, looks like a secret."""
    text = str(value)
    rest = REFERENCE.sub("", text)
    alone = rest != text and not re.search(r"\w", rest)
    return redact(text) != text or (not alone and looks_secret(name, rest))
