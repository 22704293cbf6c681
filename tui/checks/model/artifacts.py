"""Read and check what will be uploaded: model, scoring script, conda file, sample request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tui.checks.environment import base_image, conda_file, mlflow_environment, old_setuptools
from tui.checks.finding import UNKNOWN, Finding
from tui.checks.model import artifact_findings, file_count, ignored_files, model_files, model_folder, saved_versions
from tui.checks.scoring import data_collection, model_paths, sample_request, score_script, script_findings
from tui.common.deadlines import NoAnswer, Question
from tui.plan.model import CodeConfiguration, Deployment, Plan


@dataclass
class Artifacts:
    """The contents of a plan's files; a part that the plan does not have is None.

    `late` has the parts (model, score, conda, sample) that were not read in time, with their paths.
    """

    model: model_folder.ModelFolder | None = None
    conda: conda_file.CondaFile | None = None
    score: score_script.ScoreScript | None = None
    sample: sample_request.SampleRequest | None = None
    model_conda: conda_file.CondaFile | None = None
    """The conda file inside an MLflow model that is deployed without code."""
    saved: list[model_files.ModelFile] = field(default_factory=list)
    """The files of a model without MLmodel that tell the release that wrote them."""
    left_out_code: bool = False
    """Whether the ignore file of the code folder excludes the scoring script."""
    astray: list[tuple[model_paths.Opened, str]] = field(default_factory=list)
    """What the script opens below AZUREML_MODEL_DIR, and will not lie there; what does instead."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why the folder of a field cannot be uploaded: the scoring script's folder, the build context."""
    late: dict[str, str] = field(default_factory=dict)


def read(plan: Plan, seconds: float = 10.0, count_for: float | None = None) -> Artifacts:
    """Read the plan's files in parallel, for about `seconds`; never raises.

    A part that is not read in time is named in `late`. Counting the model's files stops after `count_for` seconds, by
    default most of `seconds`.
    """
    deployment = plan.deployment
    code, request = deployment.code_configuration, plan.test.request
    conda_path, model_path = deployment.environment.conda_file, deployment.model.path
    count = seconds * 0.8 if count_for is None else count_for
    conda_asked = Question(lambda: conda_file.read(conda_path), seconds) if conda_path else None
    model_asked = Question(lambda: _model(plan, model_path, count), seconds) if model_path else None
    score_asked = Question(lambda: _score_script(code, plan.deployment), seconds) if code else None
    sample_asked = Question(lambda: sample_request.read(request), seconds) if request else None
    build = deployment.environment.build
    parts = {"score": code.code if code else None, "context": build.path if build else None}
    folders = {_FIELD_OF[part]: folder for part, folder in parts.items() if folder}
    refused_asked = Question(lambda: ignored_files.refused(folders), seconds) if folders else None
    found = Artifacts()

    def answer(part: str, path: object, asked: Question[Any] | None) -> Any:
        try:
            return asked.answer() if asked else None
        except NoAnswer:
            found.late[part] = str(path)
            return None

    found.conda = answer("conda", conda_path, conda_asked)
    found.model, found.model_conda, found.saved = answer("model", model_path, model_asked) or (None, None, [])
    found.score, found.left_out_code, found.astray = answer("score", code and code.code, score_asked) or (
        None,
        False,
        [],
    )
    found.sample = answer("sample", request, sample_asked)
    found.refused = answer("score" if code else "context", next(iter(folders.values()), ""), refused_asked) or {}
    if found.score and found.conda and found.conda.python and code:
        # The Python version to parse for is known only now; the file is cached by then.
        found.score = score_script.read(code.code, code.scoring_script, _version(found.conda.python))
    return found


def _model(
    plan: Plan, path: Path, seconds: float
) -> tuple[model_folder.ModelFolder, conda_file.CondaFile | None, list[model_files.ModelFile]]:
    model = model_folder.read(path, seconds)
    own = model.exists and model.mlmodel is None and plan.deployment.environment.conda_file is not None
    return model, mlflow_environment.read(plan, model), saved_versions.read(path) if own else []


def _score_script(
    code: CodeConfiguration, deployment: Deployment
) -> tuple[score_script.ScoreScript, bool, list[tuple[model_paths.Opened, str]]]:
    """Read the script; check whether the folder's ignore file excludes it, and what it opens of the model."""
    from tui.cloud.storage import ignore_file

    score = score_script.read(code.code, code.scoring_script)
    model, excluded, astray = deployment.model.path, None, []
    try:
        excluded = ignore_file.ignored_files(code.code) if score.found else None
        if model and score.opened and not deployment.model_mount_path and model.exists():
            astray = model_paths.astray(score.opened, model, ignore_file.ignored_files(model))
    except (OSError, ValueError):
        pass  # the checks of the folders tell
    return score, bool(excluded and excluded(code.scoring_script)), astray


def _version(text: str) -> tuple[int, int] | None:
    match = re.match(r"^(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def check(plan: Plan, *, isolation: str | None = None, limit: float = 10.0) -> list[Finding]:
    """Findings about the plan's files, within about `limit` seconds even if a mount does not respond.

    `isolation` is the workspace's mode (managed_network, legacy, public) if known.
    """
    return _findings(plan, read(plan, limit), isolation, limit)


def inspect_model(plan: Plan, *, limit: float = 60.0) -> dict[str, Any]:
    """The contents of the model's folder and whether script and environment match, as JSON data for forms.

    Counting the model's files is limited to one second here; `complete` says whether that was enough. The rest can take
    `limit` seconds, so that slow mounts, with two seconds per access, are read too.
    """
    return described(plan, read(plan, limit, count_for=1.0), limit)


def described(plan: Plan, found: Artifacts, limit: float) -> dict[str, Any]:
    """The contents of a plan's files, as JSON data for forms."""
    path = plan.deployment.model.path
    model = found.model
    registered = plan.deployment.model.registered
    figures = model.figures if model else file_count.Figures()
    return {
        "path": str(path) if path else registered or plan.deployment.model.source,
        "registered": registered,
        "exists": bool(model and model.exists),
        "flavour": model.flavour if model else None,
        "versions": model.versions if model else {},
        "mlmodel": model.mlmodel if model else None,
        **figures.as_dict(),
        "complete": bool(model and model.complete),
        "signature": model.signature if model else None,
        "sample": sample_body(plan, found),
        "sample_source": _sample_source(plan, found),
        "score": _score(found.score),
        "conda": _conda(found.conda or found.model_conda),
        "findings": [finding.as_dict() for finding in _findings(plan, found, None, limit)],
    }


def _sample_source(plan: Plan, found: Artifacts) -> str:
    """The source of the sample: plan, example (saved with the model), signature, or nowhere."""
    if found.sample and isinstance(found.sample.body, dict):
        return "plan"
    if found.model is None or not model_folder.rows(found.model):
        return ""
    # An example of another form gives no rows, so they come from the signature although there is an example.
    return "example" if model_folder.rows(replace(found.model, signature=None)) else "signature"


def sample_body(plan: Plan, found: Artifacts) -> dict[str, Any] | None:
    """A request to test the endpoint with: the plan's own, or one made from the model's example or signature."""
    if found.sample and isinstance(found.sample.body, dict):
        return found.sample.body
    rows = model_folder.rows(found.model) if found.model else None
    if not rows:
        return None
    return model_folder.input_data(rows) if artifact_findings.mlflow_without_code(plan) else {"data": rows}


def _findings(plan: Plan, found: Artifacts, isolation: str | None, limit: float) -> list[Finding]:
    parts = [
        [_slow(part, path, limit) for part, path in found.late.items()],
        [] if "model" in found.late else artifact_findings.about_model(plan, found.model, found.score),
        ignored_files.about(plan, found.model, found.left_out_code),
        ignored_files.about_refused(found.model, found.refused),
        script_findings.about_score(found.score, found.conda, bool(plan.deployment.environment.inference_config)),
        script_findings.about_model_paths(found.score, found.astray),
        artifact_findings.about_conda(plan, found.conda),
        mlflow_environment.about_environment(found.model_conda),
        old_setuptools.about(
            found.conda or found.model_conda, _FIELD_OF["conda" if found.conda else "model"], not found.conda
        ),
        data_collection.about(plan, found.conda),
        artifact_findings.about_versions(found.model, found.conda or found.model_conda),
        saved_versions.about(found.saved, found.conda),
        artifact_findings.about_sample(plan, found.sample, found.model, found.score),
        artifact_findings.about_size(plan, found.model),
        artifact_findings.about_mlflow_network(plan, isolation),
        list(artifact_findings.about_mlflow_3(plan, found.model)),
        base_image.check(plan),
    ]
    return [finding for part in parts for finding in part]


_FIELD_OF = {
    "model": "deployment.model.path",
    "score": "deployment.code_configuration.code",
    "context": "deployment.environment.build.path",
    "conda": "deployment.environment.conda_file",
    "sample": "test.request",
}


def _slow(part: str, path: str, limit: float) -> Finding:
    message = f"{path} could not be read within {limit:g} seconds."
    remedy = "Check again when this machine is less busy. If it lies on a mount, copy the files to a local folder."
    return Finding("artifacts", UNKNOWN, _FIELD_OF[part], message, remedy, looked_at=path)


def _score(score: score_script.ScoreScript | None) -> dict[str, Any]:
    if score is None:
        return {"found": False, "asked": False, "has_init": False, "has_run": False, "problem": None, "name": ""}
    return {
        "found": score.found,
        "asked": True,
        "name": score.path.name,
        "has_init": score.has_init,
        "has_run": score.has_run,
        "problem": score.problem or None,
        "line": score.line,
    }


def _conda(conda: conda_file.CondaFile | None) -> dict[str, Any]:
    if conda is None:
        return {"found": False, "asked": False, "python": None, "has_server": False, "problem": None, "name": ""}
    return {
        "found": conda.found,
        "asked": True,
        "name": conda.path.name,
        "python": conda.python,
        "has_server": conda.has_server,
        "server": next(
            (
                str(conda.packages[name].wanted or "any version")
                for name in conda_file.SERVER_PACKAGES
                if name in conda.packages
            ),
            None,
        ),
        "packages": len(conda.packages.keys() - {"python", "pip"}),
        "problem": conda.problem or None,
        "line": conda.line,
    }
