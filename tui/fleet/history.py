"""Who changed an endpoint and when, from its kept plans, the tags of its deployments and the activity log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Callable, TypeVar

from tui.cloud.endpoints import endpoints, kept_plans
from tui.cloud.endpoints.endpoint_as_plan import OF_THE_SERVICE
from tui.cloud.errors import CloudError, reading
from tui.cloud.monitor import activity_log
from tui.cloud.monitor.activity_log import Change
from tui.cloud.session import Cloud
from tui.cloud.sources import code_source
from tui.plan.load_save.az_yaml_import import ImportedDocument
from tui.plan.load_save.document import deployment_trees
from tui.plan.problems import Problem

ONLY_NOW = "deployment.environment_variables"
_AFTER = timedelta(seconds=30)  # the plan is kept while the run sets its traffic
_TIME = "%Y-%m-%dT%H:%M:%S"
Value = TypeVar("Value")


@reading("the history")
def read(cloud: Cloud, name: str) -> dict[str, Any]:
    """The changes of an endpoint (`entries`), newest first, also of a removed one, and what cannot be seen (`note`).

    An entry has `time` in UTC (ISO 8601), `action` (deploy, endpoint, keys or delete), `status` as Azure says, `by`
    (user@host if a `run` did it, else `caller`, the identity in Azure's log), `deployment`, `plan_hash`, `what` (a
    sentence), and whether the run's plan is `kept`. Raises CloudError if neither kept plans nor the activity log can be
    read, or there was never such an endpoint.
    """
    failed: list[CloudError] = []
    notes: list[str] = []

    def known(what: str, ask: Callable[[], Value]) -> Value | None:
        try:
            return ask()
        except CloudError as error:
            failed.append(error)
            notes.append(f"{what}: {error}")
            return None

    path = endpoints.path(cloud, name)
    kept = known("The kept plans cannot be listed", lambda: kept_plans.listed(cloud, name))
    log = known(
        "The activity log cannot be read, so changes without a run are missing",
        lambda: activity_log.of_subscription(cloud, cloud.plan.workspace.subscription_id),
    )
    if kept is None and log is None:
        raise failed[0]
    found = known("The deployments cannot be read", lambda: endpoints.read(cloud, name))
    if log is not None:
        notes.append(
            f"The activity log was read back to {log.since[:10]}; it is some minutes late, and does not tell a change "
            "of traffic from another one of the endpoint."
        )
    runs = {one.run: _of_kept(one) for one in kept or ()}
    for one in found.deployments if found else ():
        run = one.tags.get("aml-deploy-run", "")
        if run and (run not in runs or not runs[run].kept_at):
            others = runs[run].deployments if run in runs else ()
            by, plan_hash = one.tags.get("aml-deploy-by", ""), one.tags.get("aml-deploy-plan", "")
            runs[run] = _Run(run, (*others, one.name), by, plan_hash)
    own = [one for one in log.changes if f"{one.resource}/".lower().startswith(f"{path}/".lower())] if log else []
    entries = sorted(
        _merged(sorted(runs.values(), key=lambda one: one.started), own),
        key=lambda entry: str(entry["time"]),
        reverse=True,
    )
    if not (entries or found or failed):
        where = f"in the workspace {cloud.plan.workspace.name}"
        raise CloudError(
            f"There is no endpoint {name} {where}", "No run has kept a plan of it, and no change is logged."
        )
    return {"entries": entries, "note": " ".join(notes)}


def plan_of_run(cloud: Cloud, name: str, run: str, folder: Path) -> ImportedDocument:
    """The kept plan of a run (its id or the beginning of it); its code is copied to `folder`, the plan's.

    Raises CloudError, also if an asset that it needs has been deleted.
    """
    listed = kept_plans.listed(cloud, name)
    found = [one for one in listed if one.run.startswith(run)]
    if len(found) != 1:
        there = ", ".join(one.run for one in (found or listed)[:10])
        cause = f"{'Several begin so' if found else 'These are kept'}: {there}." if there else "None is kept for it."
        remedy = f"See what each has deployed: aml-deploy history {name}"
        raise CloudError(f"No plan of run {run} is kept for the endpoint {name}", cause, remedy, code="PlanNotKept")
    kept = found[0]
    content = kept_plans.read(cloud, kept)
    gone = kept_plans.missing(cloud, content["assets"])
    if gone:
        raise CloudError(
            title=f"The version of run {kept.run} cannot be deployed again",
            cause=f"No longer registered in the workspace: {', '.join(gone)}. Nothing was changed.",
            remedy=f"Choose another run: aml-deploy history {name}",
            code="AssetGone",
        )
    for tree in deployment_trees(content["document"]):
        code = tree.get("code_configuration")
        if code:
            identifier = str(content["assets"][tree["name"]]["code"])
            copy = code_source.download(cloud, identifier, folder, f"{name}-code")
            code["code"] = copy.name
    note = Problem("test.request", "The sample request is not kept.", "Name a file with test.request to test the run.")
    notes = [note, *_only_now(cloud, name, deployment_trees(content["document"]))]
    document = ImportedDocument(content["document"], folder, origin=f"the plan of run {kept.run}", left_out=notes)
    document.note_sources(with_lines=False)
    return document


def _only_now(cloud: Cloud, name: str, trees: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    """The variables of today's deployments that the kept ones had not; a run does not compare these, which may be
    Azure's."""
    found = endpoints.read(cloud, name)
    live = {one.name: one.environment_variables for one in found.deployments} if found else {}
    for tree in trees:
        for variable, value in live.get(tree["name"], {}).items():
            own = variable in (tree.get("environment_variables") or {})
            if not own and not OF_THE_SERVICE.match(f"{variable}={value}"):
                yield Problem(ONLY_NOW, f"The deployment {tree['name']} has the variable {variable} now only.")


@dataclass(frozen=True)
class _Run:
    """A run, the deployments that it changed, and when its plan was kept; if it was not, only its first change of each
    counts."""

    id: str
    deployments: tuple[str, ...]
    by: str
    plan_hash: str
    kept_at: str = ""

    @property
    def started(self) -> str:
        """When it was started (ISO 8601), by its id; "" for an id of another form."""
        try:
            return f"{datetime.strptime(self.id[:15], '%Y%m%d-%H%M%S'):{_TIME}}"
        except ValueError:
            return ""

    def made(self, change: Change, deployment: str, claimed: set[tuple[str, str]]) -> bool:
        """Whether a change is the run's, judged by its time and deployment."""
        if change.time < self.started:
            return False
        if not self.kept_at:
            return deployment in self.deployments and (self.id, deployment) not in claimed
        latest = datetime.strptime(self.kept_at[:19], _TIME) + _AFTER
        return deployment in ("", *self.deployments) and change.time[:19] <= f"{latest:{_TIME}}"

    def entry(self, **known: str) -> dict[str, Any]:
        """An entry of the history."""
        return {"run": self.id, "by": self.by, **known, "plan_hash": self.plan_hash, "kept": bool(self.kept_at)}


_NOBODY = _Run("", (), "", "")


def _of_kept(one: kept_plans.KeptPlan) -> _Run:
    return _Run(one.run, tuple(filter(None, one.deployment.split(","))), one.by, one.plan_hash, one.time)


def _merged(runs: Sequence[_Run], logged: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """The changes in the log, each with the run that made it, of several the first; and what the log lacks of runs."""
    claimed: set[tuple[str, str]] = set()
    for change in sorted(logged, key=lambda one: one.time):
        deployment = change.name if "/deployments/" in change.resource.lower() else ""
        action, what = _told(change.action.lower(), deployment)
        if not action:
            continue
        written = action in ("deploy", "endpoint")
        run = next((one for one in runs if written and one.made(change, deployment, claimed)), _NOBODY)
        if run.id:
            claimed.add((run.id, deployment))
            what = f"Deployed {deployment}." if deployment else what
        if change.status == "Failed" and change.reason:
            what = f"{what} It failed: {change.reason}"
        yield run.entry(
            time=f"{change.time[:19]}Z", by=run.by or change.caller, caller=change.caller, deployment=deployment,
            action=action, status=change.status, what=what,
        )  # fmt: skip
    for run in runs:
        left = [name for name in run.deployments or ("",) if (run.id, name) not in claimed]
        if left:
            names = ", ".join(left)
            yield run.entry(
                time=run.kept_at or (run.started and f"{run.started}Z"), caller="", deployment=names,
                action="deploy" if names else "endpoint", status="Succeeded" if run.kept_at else "",
                what=f"Deployed {names}." if names else _ENDPOINT,
            )  # fmt: skip


_ENDPOINT = "Created or changed the endpoint, or its traffic."


def _told(action: str, deployment: str) -> tuple[str, str]:
    """The action of a change, of a deployment if one is named, and a sentence; empty for what is no change."""
    if action.endswith("/delete"):
        return "delete", f"Deleted the deployment {deployment}." if deployment else "Deleted the endpoint."
    if action.endswith("/write"):
        if deployment:
            return "deploy", f"Created, changed or scaled the deployment {deployment}."
        return "endpoint", _ENDPOINT
    return ("keys", "Regenerated a key.") if "regeneratekeys" in action else ("", "")
