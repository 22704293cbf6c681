"""What will be uploaded: the model, the scoring script, its environment, the sample request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tui.checks import (
    artifact_findings,
    conda_file,
    image,
    mlflow_environment,
    model_folder,
    sample_request,
    score_script,
)
from tui.checks.finding import UNKNOWN, Finding
from tui.checks.question import NoAnswer, Question
from tui.plan.model import Plan


@dataclass(frozen=True)
class Artifacts:
    """What was read of a plan's files; a part that the plan does not name is None."""

    model: model_folder.ModelFolder | None = None
    conda: conda_file.CondaFile | None = None
    score: score_script.ScoreScript | None = None
    sample: sample_request.SampleRequest | None = None
    model_conda: conda_file.CondaFile | None = None
    """The conda file inside an MLflow model that is deployed without code."""


def read(plan: Plan, seconds: float = 10.0) -> Artifacts:
    """Reads the plan's files on the calling thread; counting files ends after about `seconds`. Never raises."""
    deployment = plan.deployment
    conda = conda_file.read(deployment.environment.conda_file) if deployment.environment.conda_file else None
    code = deployment.code_configuration
    python = _version(conda.python) if conda and conda.python else None
    model = model_folder.read(deployment.model.path, seconds) if deployment.model.path else None
    return Artifacts(
        model=model,
        conda=conda,
        score=score_script.read(code.code, code.scoring_script, python) if code else None,
        sample=sample_request.read(plan.test.request) if plan.test.request else None,
        model_conda=mlflow_environment.read(plan, model),
    )


def _version(text: str) -> tuple[int, int] | None:
    match = re.match(r"^(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def check(plan: Plan, *, isolation: str | None = None, limit: float = 10.0) -> list[Finding]:
    """Findings about the plan's files, within about `limit` seconds even where a mount never answers.

    `isolation` is the workspace's mode (managed_network, legacy, public) where it is known.
    """
    try:
        found = Question(lambda: read(plan, limit * 0.8), limit).answer()
    except NoAnswer:
        return [_slow(plan, limit)]
    return _findings(plan, found, isolation)


def inspect_model(plan: Plan, *, isolation: str | None = None, limit: float = 10.0) -> dict[str, Any]:
    """What is in the model's folder and whether script and environment fit it, as JSON data for forms."""
    path = plan.deployment.model.path
    try:
        found = Question(lambda: read(plan, limit * 0.8), limit).answer()
        findings = _findings(plan, found, isolation)
    except NoAnswer:
        found, findings = Artifacts(), [_slow(plan, limit)]
    model = found.model
    return {
        "path": str(path) if path else plan.deployment.model.registered,
        "exists": bool(model and model.exists),
        "flavour": model.flavour if model else None,
        "mlmodel": model.mlmodel if model else None,
        "files": model.files if model else 0,
        "bytes": model.bytes if model else 0,
        "complete": bool(model and model.complete),
        "signature": model.signature if model else None,
        "sample": sample_body(plan, found),
        "score": _score(found.score),
        "conda": _conda(found.conda),
        "findings": [finding.as_dict() for finding in findings],
    }


def sample_body(plan: Plan, found: Artifacts) -> dict[str, Any] | None:
    """A request to try the endpoint with: the plan's own, else one made from the model's example or signature."""
    if found.sample and isinstance(found.sample.body, dict):
        return found.sample.body
    rows = model_folder.rows(found.model) if found.model else None
    if not rows:
        return None
    if artifact_findings.mlflow_without_code(plan):
        # What Azure's own scoring script for MLflow models reads (Microsoft, how-to-deploy-mlflow-models).
        columns = list(rows[0])
        data = [[row.get(name) for name in columns] for row in rows]
        return {"input_data": {"columns": columns, "index": list(range(len(rows))), "data": data}}
    return {"data": rows}


def _findings(plan: Plan, found: Artifacts, isolation: str | None) -> list[Finding]:
    parts = [
        artifact_findings.about_model(plan, found.model),
        artifact_findings.about_score(plan, found.score, found.conda),
        artifact_findings.about_conda(plan, found.conda),
        mlflow_environment.about_environment(found.model_conda),
        artifact_findings.about_versions(found.model, found.conda or found.model_conda),
        artifact_findings.about_sample(plan, found.sample, found.model),
        artifact_findings.about_size(plan, found.model),
        artifact_findings.about_mlflow_network(plan, isolation),
        image.check(plan),
    ]
    return [finding for part in parts for finding in part]


def _slow(plan: Plan, limit: float) -> Finding:
    path = plan.deployment.model.path
    return Finding(
        "artifacts",
        UNKNOWN,
        "deployment.model.path",
        f"The plan's files could not be read within {limit:g} seconds.",
        "A mount that answers slowly, or no longer, looks like this; copy the files to a local folder.",
        looked_at=str(path or ""),
    )


def _score(score: score_script.ScoreScript | None) -> dict[str, Any]:
    if score is None:
        return {"found": False, "has_init": False, "has_run": False, "problem": None}
    return {
        "found": score.found,
        "has_init": score.has_init,
        "has_run": score.has_run,
        "problem": score.problem or None,
    }


def _conda(conda: conda_file.CondaFile | None) -> dict[str, Any]:
    if conda is None:
        return {"found": False, "python": None, "has_server": False, "problem": None}
    return {
        "found": conda.found,
        "python": conda.python,
        "has_server": conda.has_server,
        "problem": conda.problem or None,
    }
