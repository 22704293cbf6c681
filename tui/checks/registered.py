"""Models and environments that the plan only refers to: are they registered in the workspace."""

from __future__ import annotations

from typing import Any, Callable

from tui.checks.answers import ask
from tui.checks.finding import OK, Finding
from tui.checks.question import Question
from tui.cloud.session import Cloud
from tui.plan.model import Plan

_MODEL = "deployment.model.path"
_ENVIRONMENT = "deployment.environment.registered"
# An asset of a shared registry is read from the registry, for which the workspace's own roles say nothing.
_ELSEWHERE = "azureml://registries/"


def asked(plan: Plan, cloud: Cloud, start: Callable[[Callable[[], Any]], Question[Any]]) -> dict[str, Question[Any]]:
    """A question for each reference of the plan, by the field that holds it; `start` begins to ask it."""
    from tui.cloud import environments, models

    model, environment = plan.deployment.model.registered, plan.deployment.environment.registered
    found: dict[str, Question[Any]] = {}
    if model and not model.startswith(_ELSEWHERE):
        found[_MODEL] = start(lambda: models.resolve(cloud, model))
    if environment and not environment.startswith(_ELSEWHERE):
        found[_ENVIRONMENT] = start(lambda: environments.resolve(cloud, environment))
    return found


def findings(plan: Plan, questions: dict[str, Question[Any]]) -> list[Finding]:
    """A blocker for what is not registered, or may not be read."""
    found = []
    for field, question in questions.items():
        reference = plan.deployment.model.registered if field == _MODEL else plan.deployment.environment.registered
        answer = ask(question, "registered", field, f"Whether {reference} is registered", needed=True)
        if isinstance(answer, Finding):
            found.append(answer)
            continue
        kind = f" ({answer.type})" if field == _MODEL else ""
        message = f"{reference} is {answer.name}, version {answer.version}{kind}, of the workspace."
        found.append(Finding("registered", OK, field, message, looked_at=answer.id))
    return found
