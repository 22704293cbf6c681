"""Runs the function that answers a question, and returns the answer as plain data."""

from __future__ import annotations

import dataclasses
import importlib
import traceback
from pathlib import PurePath
from typing import Any, Callable

from tui.common.redact import each_text, hide, redact

Question = Callable[..., Any]

# Question -> the module of `tui.helper.questions` that answers it. Modules are imported when first asked.
_QUESTIONS = {
    "credential_sources": "identity",
    "sign_in": "identity",
    "workspace": "workspace",
    "endpoint": "workspace",
    "sizes": "workspace",
    "changes": "workspace",
    "diff": "diff",
    "diff_of_endpoint": "diff",
    "inspect_model": "checks",
    "count_files": "files",
    "references": "references",
    "make_scoring": "scoring",
    "check": "checks",
    "step_findings": "checks",
    "reach": "checks",
    "requests": "checks",
    "score": "endpoint_operations",
    "golden": "endpoint_operations",
    "burst": "load_test",
    "logs": "endpoint_operations",
    "kept_logs": "endpoint_operations",
    "remove": "removal_and_keys",
    "inventory": "removal_and_keys",
    "keys": "removal_and_keys",
    "regenerate_key": "removal_and_keys",
    "put_key": "removal_and_keys",
    "traffic": "endpoint_operations",
    "rollback": "endpoint_operations",
    "subscriptions": "lists",
    "resource_groups": "lists",
    "workspaces": "lists",
    "endpoints": "lists",
    "deployments": "lists",
    "registered_models": "lists",
    "model_versions": "lists",
    "versions_of": "lists",
    "environments": "lists",
    "curated_images": "lists",
    "endpoint_name": "workspace",
    "export": "export",
    "import_az_yaml": "az_yaml",
    "import_endpoint": "import_endpoint",
    "new_plan": "new_plan",
    "cost": "cost",
    "fleet": "fleet",
    "history": "history",
    "kept_plan": "history",
    "troubleshoot": "troubleshoot",
    "apply_fix": "troubleshoot",
    "endpoint_of_url": "troubleshoot",
}
_LONG = ("changes", "diff")  # report their progress
_STREAMED = ("fleet",)  # send parts of the answer as they are found
_USERS_OWN = ("golden", "import_az_yaml", "make_scoring", "new_plan", "score")


def ask(
    name: str,
    arguments: dict[str, Any],
    progress: Callable[[int, int], None] = lambda done, total: None,
    part: Callable[[Any], None] = lambda found: None,
) -> dict[str, Any]:
    """Answer a question with `{"result": …}` or `{"error": {title, cause, remedy, raw, …}}`; never raises.

    `progress` receives bytes done and in total of a question that may take long, `part` the parts of a streamed answer.
    """
    module = _QUESTIONS.get(name)
    if module is None:
        known = ", ".join(sorted(_QUESTIONS))
        return {"error": _error("The question is unknown", f"{name} must be one of: {known}.")}
    try:
        question: Question = getattr(importlib.import_module(f"tui.helper.questions.{module}"), name)
        if name in _LONG:
            arguments = {**arguments, "progress": progress}
        if name in _STREAMED:
            arguments = {**arguments, "part": lambda found: part(each_text(plain(found), redact))}
        # A plan and a model's response are the user's own: texts in them that only look like secrets are kept.
        return {"result": each_text(plain(question(**arguments)), hide if name in _USERS_OWN else redact)}
    except Exception as error:
        return {"error": each_text(_explain(error), redact)}


def plain(value: Any) -> Any:
    """Convert dataclasses, paths and tuples to JSON types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    return value


def _explain(error: Exception) -> dict[str, Any]:
    from tui.cloud.errors import CloudError, clean
    from tui.plan.problems import PlanInvalid

    if isinstance(error, CloudError):
        return _error(
            error.title,
            error.cause,
            error.remedy,
            error.raw,
            code=error.code,
            status=error.status,
            request_ids=error.request_ids,
        )
    if isinstance(error, PlanInvalid):
        return _error("The plan is incomplete", str(error), "Enter what is missing.")
    trace = clean("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    return _error(
        "The question could not be answered",
        f"{type(error).__name__}: {clean(str(error))}",
        "This is an error in aml-deploy; the raw text helps to find it.",
        trace,
    )


def _error(title: str, cause: str = "", remedy: str = "", raw: str = "", **more: Any) -> dict[str, Any]:
    return {"title": title, "cause": cause, "remedy": remedy, "raw": raw, **more}
