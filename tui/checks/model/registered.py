"""Check that the models and environments to which the plan refers are registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

from tui.checks import rehearsal_limits
from tui.checks.ask_azure import ask
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.common.deadlines import Question
from tui.plan.model import Plan

_MODEL = "deployment.model.path"
_ENVIRONMENT = "deployment.environment.registered"
_SHARE = "Register the model in the plan's workspace, or share it through a registry."
_SHARING = (
    "https://learn.microsoft.com/azure/machine-learning/how-to-share-models-pipelines-across-workspaces-with-registries"
)
_CUSTOM = "https://learn.microsoft.com/azure/machine-learning/how-to-deploy-custom-container"


def asked(plan: Plan, cloud: Cloud, start: Callable[[Callable[[], Any]], Question[Any]]) -> dict[str, Question[Any]]:
    """A query for each reference in the plan, by its field; `start` begins each."""
    model, environment = plan.deployment.model.registered, plan.deployment.environment.registered
    found: dict[str, Question[Any]] = {}
    if model:
        found[_MODEL] = start(lambda: _held(cloud, model, "models"))
    if environment:
        found[_ENVIRONMENT] = start(lambda: _held(cloud, environment, "environments"))
    return found


def _held(cloud: Cloud, reference: str, kind: str) -> Any:
    """The asset, or the finding about one of a registry, or that a rehearsal does not hold it. Raises CloudError."""
    from tui.cloud.assets import environments, models

    resolve = models.resolve if kind == "models" else environments.resolve
    return _in_registry(cloud, reference, kind) or rehearsal_limits.unless_held(cloud, reference, kind, resolve)


def _in_registry(cloud: Cloud, reference: str, kind: str) -> Finding | None:
    """The finding about an asset of a shared registry, to which the workspace's roles do not apply; None for others.

    Only what the registry answers blocks: a private one does not answer from everywhere.
    """
    from tui.cloud.assets import asset_reference, base_images

    wanted = asset_reference.parse(reference, kind)
    if not wanted.registry:
        return None
    if rehearsal_limits.applies(cloud):
        return rehearsal_limits.of_registry(cloud, reference, wanted, kind)
    field = _MODEL if kind == "models" else _ENVIRONMENT
    try:
        held = base_images.in_registry(cloud, wanted, kind)
    except CloudError as error:
        return Finding("registered", UNKNOWN, field, f"Whether {reference} is registered is unknown. {error}")
    if held:
        message = f"{reference} is in the registry {wanted.registry}."
        return Finding("registered", OK, field, message, looked_at=reference)
    message = f"The registry {wanted.registry} has no such asset: {reference}."
    return Finding("registered", BLOCKER, field, message, "Check name and version.", looked_at=reference)


def findings(plan: Plan, questions: dict[str, Question[Any]]) -> Iterator[Finding]:
    """A blocker if the asset is not registered or cannot be read."""
    for field, question in questions.items():
        reference = plan.deployment.model.registered if field == _MODEL else plan.deployment.environment.registered
        answer = ask(question, "registered", field, f"Whether {reference} is registered", needed=True)
        if isinstance(answer, Finding):
            yield answer
        elif field == _ENVIRONMENT and answer.routes is None and _serves_itself(plan, questions.get(_MODEL)):
            yield _nothing_serves(reference, answer.id)
        else:
            kind = f" ({answer.type})" if field == _MODEL else ""
            other = "/workspaces/" in answer.id and not answer.id.lower().startswith(f"{plan.workspace.id.lower()}/")
            holder = answer.id.partition("/workspaces/")[2].partition("/")[0]
            where = f"the workspace {holder}" if other else "the workspace"
            message = f"{reference} is {answer.name}, version {answer.version}{kind}, of {where}."
            if other and field == _MODEL:
                message += ' Microsoft names this among the causes of "Unable to download user model".'
                yield Finding("registered", WARNING, field, message, _SHARE, _SHARING, answer.id)
            else:
                yield Finding("registered", OK, field, message, looked_at=answer.id)


def _serves_itself(plan: Plan, model: Question[Any] | None) -> bool:
    """Whether the environment's own server must answer: there is no script, and Azure generates none for this model."""
    deployment = plan.deployment
    if deployment.code_configuration is not None or deployment.model.source:
        return False
    if model is None:
        return deployment.model.path is not None and deployment.model.type == "custom_model"
    try:
        return str(model.answer().type) not in ("", "mlflow_model", "triton_model")
    except Exception:
        return False


def _nothing_serves(reference: str | None, resource: str) -> Finding:
    message = (
        f"{reference} has no inference routes, and the plan has no scoring script, so nothing would answer requests."
    )
    remedy = "Set a scoring script (deployment.code_configuration), choose an environment with an inference_config, "
    remedy += "or use an MLflow model."
    return Finding("registered-without-server", BLOCKER, _ENVIRONMENT, message, remedy, _CUSTOM, resource)
