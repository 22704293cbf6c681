"""Check that the models and environments to which the plan refers are registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

from tui.checks.ask_azure import ask
from tui.checks.finding import BLOCKER, OK, Finding
from tui.cloud.session import Cloud
from tui.common.deadlines import Question
from tui.plan.model import Plan

_MODEL = "deployment.model.path"
_ENVIRONMENT = "deployment.environment.registered"
_CUSTOM = "https://learn.microsoft.com/azure/machine-learning/how-to-deploy-custom-container"
# An asset of a shared registry is read from the registry, to which the workspace's roles do not apply.
_ELSEWHERE = "azureml://registries/"


def asked(plan: Plan, cloud: Cloud, start: Callable[[Callable[[], Any]], Question[Any]]) -> dict[str, Question[Any]]:
    """A query for each reference in the plan, by its field; `start` begins each."""
    from tui.cloud.assets import environments, models

    model, environment = plan.deployment.model.registered, plan.deployment.environment.registered
    found: dict[str, Question[Any]] = {}
    if model and not model.startswith(_ELSEWHERE):
        found[_MODEL] = start(lambda: models.resolve(cloud, model))
    if environment and not environment.startswith(_ELSEWHERE):
        found[_ENVIRONMENT] = start(lambda: environments.resolve(cloud, environment))
    return found


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
            message = f"{reference} is {answer.name}, version {answer.version}{kind}, of the workspace."
            yield Finding("registered", OK, field, message, looked_at=answer.id)


def _serves_itself(plan: Plan, model: Question[Any] | None) -> bool:
    """Whether the environment's own server must answer: there is no script, and Azure generates none for this model."""
    deployment = plan.deployment
    if deployment.code_configuration is not None or deployment.model.source:
        return False
    if model is None:
        return deployment.model.path is not None and deployment.model.type != "mlflow_model"
    try:
        return str(model.answer().type) not in ("", "mlflow_model")
    except Exception:
        return False


def _nothing_serves(reference: str | None, resource: str) -> Finding:
    return Finding(
        "registered-without-server",
        BLOCKER,
        _ENVIRONMENT,
        f"{reference} has no inference routes, and the plan has no scoring script, so nothing would answer requests.",
        "Set a scoring script (deployment.code_configuration), choose an environment with an inference_config, "
        "or use an MLflow model.",
        _CUSTOM,
        resource,
    )
