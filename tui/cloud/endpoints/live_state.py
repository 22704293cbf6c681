"""Reads which resources of a plan exist in Azure, in parallel."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tui.cloud.assets import code, environments, models
from tui.cloud.assets.code import CodeVersion
from tui.cloud.assets.environments import EnvironmentVersion
from tui.cloud.assets.models import ModelVersion
from tui.cloud.endpoints import endpoints, scaling
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.cloud.storage.uploader import Progress
from tui.cloud.workspace import workspace
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.plan.model import Plan


@dataclass(frozen=True)
class Assets:
    """The assets of a further deployment of a plan; None for those that do not exist yet."""

    model: ModelVersion | None
    code: CodeVersion | None
    environment: EnvironmentVersion | None
    content_hash: str | None = None


@dataclass(frozen=True)
class Live:
    """The state of all resources of a plan; None for those that do not exist yet.

    `others` are the assets of the plan's other deployments, by name.
    """

    workspace: WorkspaceInfo
    endpoint: EndpointInfo | None
    model: ModelVersion | None
    code: CodeVersion | None
    environment: EnvironmentVersion | None
    content_hash: str | None
    others: dict[str, Assets] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for `tui.plan.planned_changes.changes`."""
        return asdict(self)


def read(cloud: Cloud, plan: Plan, progress: Progress = lambda done, total: None) -> Live:
    """Read workspace and endpoint with deployments, and find model, code and environment by content, in parallel.

    `progress` receives bytes of all models read so far and in total, on several threads. Raises CloudError.
    """
    hashed: dict[str, tuple[int, int]] = {}

    def told(name: str, done: int, total: int) -> None:
        hashed[name] = (done, total)
        counts = list(hashed.values())
        progress(sum(done for done, _ in counts), sum(total for _, total in counts))

    with ThreadPoolExecutor(max_workers=5, thread_name_prefix="live") as pool:
        found_workspace = pool.submit(workspace.read, cloud)
        found_endpoint = pool.submit(_endpoint, cloud, plan) if plan.endpoint.name else None
        found_model = pool.submit(_model, cloud, plan, partial(told, ""))
        found_code = pool.submit(_code, cloud, plan)
        found_environment = pool.submit(_environment, cloud, plan)
        others = {
            one.name: pool.submit(_assets, cloud, plan.of(one.name), partial(told, one.name))
            for one in plan.deployments
            if one.name != plan.deployment.name
        }
        model, content = found_model.result()
        return Live(
            workspace=found_workspace.result(),
            endpoint=found_endpoint.result() if found_endpoint else None,
            model=model,
            code=found_code.result(),
            environment=found_environment.result(),
            content_hash=content,
            others={name: found.result() for name, found in others.items()},
        )


def _endpoint(cloud: Cloud, plan: Plan) -> EndpointInfo | None:
    """The endpoint, whose deployments have their autoscale settings if these can be read."""
    found = endpoints.read(cloud, plan.endpoint.name)
    if found is not None:
        with contextlib.suppress(CloudError):
            return replace(found, deployments=scaling.with_rules(cloud, found.id, found.deployments, plan))
    return found


def _assets(cloud: Cloud, plan: Plan, progress: Progress) -> Assets:
    model, content = _model(cloud, plan, progress)
    return Assets(model, _code(cloud, plan), _environment(cloud, plan), content)


def _model(cloud: Cloud, plan: Plan, progress: Progress) -> tuple[ModelVersion | None, str | None]:
    model = plan.deployment.model
    if model.registered:
        return models.resolve(cloud, model.registered), None
    if model.source:
        from tui.cloud.sources import staging

        found = staging.listing(cloud.for_plan(plan), model.source)
        return models.find(cloud, model, found.content), found.content
    if model.path is None or not Path(model.path).exists() or not model.name:
        return None, None
    content = models.content_hash(model.path, progress=progress)
    return models.find(cloud, model, content), content


def contents(plan: Plan, found: Live) -> dict[str, str]:
    """Hashes of what a run would upload, by deployment and kind, such as `blue.model`; `found` has the models'."""
    hashes: dict[str, str | None] = {}
    for one in (plan.of(each.name) for each in plan.every_deployment):
        wanted, name = one.deployment, one.deployment.name
        known = found if name == plan.deployment.name else found.others[name]
        hashes[f"{name}.model"] = known.content_hash
        folders = {
            "code": wanted.code_configuration and wanted.code_configuration.code,
            "environment": wanted.environment.conda_file
            or (wanted.environment.build and wanted.environment.build.path),
        }
        hashes.update({f"{name}.{kind}": models.content_hash(at) for kind, at in folders.items() if at and at.exists()})
    return {name: content for name, content in hashes.items() if content}


def _code(cloud: Cloud, plan: Plan) -> CodeVersion | None:
    wanted = plan.deployment.code_configuration
    if wanted is None or not wanted.code.is_dir():
        return None
    return code.find(cloud, wanted.code)


def _environment(cloud: Cloud, plan: Plan) -> EnvironmentVersion | None:
    wanted = plan.deployment.environment
    if not wanted.given:
        return None
    return environments.find(cloud, wanted)
