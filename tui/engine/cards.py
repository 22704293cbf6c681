"""An error as the card that screens show."""

from __future__ import annotations

from typing import Any

# Where the plan is edited to mend a failure: by the service's code, else by the task that failed.
FIELD_OF_CODE = {
    "ImageBuildFailure": "deployment.environment.conda_file",
    "OutOfQuota": "deployment.instance_type",
    "ResourceNotReady": "deployment.code_configuration.scoring_script",
    "ModelVersionExists": "deployment.model.version",
}
FIELD_OF_TASK = {
    "sign-in": "credential.method",
    "workspace": "workspace.name",
    "endpoint": "endpoint.name",
    "model": "deployment.model.path",
    "code": "deployment.code_configuration.code",
    "environment": "deployment.environment.conda_file",
    "deployment": "deployment.instance_type",
    "traffic": "traffic",
    "test": "test.request",
}


def card(error: Exception, log: str, task: str = "") -> dict[str, Any]:
    """The card of an exception: what happened, why, what to do, and the service's own words.

    `log` is the path of the engine's log, named where nothing better is known; `task` is the one that failed. The
    card's `field` is the key of the plan at which the failure is mended.
    """
    from tui.cloud.errors import CloudError

    if isinstance(error, CloudError):
        evidence = [line for line in error.raw.splitlines() if line.strip()]
        return {
            "id": error.code or "error",
            "field": FIELD_OF_CODE.get(error.code or "") or FIELD_OF_TASK.get(task, ""),
            "title": error.title,
            "cause": error.cause,
            "remedy": error.remedy or f"The service's own words are below; the whole log is {log}.",
            "docs": "",
            "evidence": evidence[-40:],
            "request_ids": list(error.request_ids),
        }
    return {
        "id": "internal",
        "field": "",
        "title": "Something unexpected went wrong in aml-deploy itself",
        "cause": f"{type(error).__name__}: {error}",
        "remedy": f"The traceback is in the log, {log}. Please report it with that file.",
        "docs": "",
        "evidence": [],
        "request_ids": [],
    }
