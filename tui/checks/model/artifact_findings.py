"""Findings about a plan's files once they are read, one function per subject."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tui.checks.capacity import model_size
from tui.checks.environment.conda_file import SERVER, CondaFile, Package
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding, LineFix
from tui.checks.model.model_folder import LIBRARY_VERSIONS, ModelFolder
from tui.checks.scoring import sample_request
from tui.checks.scoring.sample_request import SampleRequest
from tui.checks.scoring.score_script import ScoreScript
from tui.common.conda_file import line_of
from tui.common.request_body import JSON
from tui.plan.model import Plan

_LEARN = "https://learn.microsoft.com/azure/machine-learning/"
DEPLOY = _LEARN + "how-to-deploy-online-endpoints"
TROUBLESHOOT = _LEARN + "how-to-troubleshoot-online-endpoints"
SERVER_DOCS = _LEARN + "how-to-inference-server-http"
MLFLOW = _LEARN + "how-to-deploy-mlflow-models-online-endpoints"
_ENTRY_SCRIPT = _LEARN + "how-to-deploy-advanced-entry-script"
MLFLOW_FORMAT = "https://mlflow.org/docs/latest/ml/model/"

_MODEL = "deployment.model.path"
_CONDA = "deployment.environment.conda_file"

SCORING = "aml-deploy scoring PLAN"
SCORING_REMEDY = (
    f"Deploy it with a scoring script and a conda file, which `{SCORING}` creates together with a plan that uses them"
)

# Library-specific formats that later releases can read; a pickle is only guaranteed to load in the same release.
_PORTABLE = {"json", "ubj", "cbm", "txt", "onnx"}
# Flavours stored as pickles, for which the Python version matters too.
_PICKLED = {"sklearn", "python_function", "statsmodels", "lightgbm", "prophet"}


def mlflow_without_code(plan: Plan) -> bool:
    """Whether Azure generates the scoring script."""
    return plan.deployment.model.type == "mlflow_model" and plan.deployment.code_configuration is None


def about_model(plan: Plan, model: ModelFolder | None, score: ScoreScript | None = None) -> list[Finding]:
    """Check that there is a model to register and that it matches the plan."""
    if model is None:
        return [] if plan.deployment.model.given else [_no_model(plan, score)]
    at = str(model.path)
    if model.problem and not model.exists:
        return [Finding("model", UNKNOWN, _MODEL, model.problem, "Check the mount and its permissions.", looked_at=at)]
    if not model.exists:
        remedy = "Specify the folder in which the model was saved, or train the model first."
        return [Finding("model", BLOCKER, _MODEL, f"The model {model.path} does not exist.", remedy, DEPLOY, at)]
    figures = model.figures
    if model.files == 0 and model.complete and not (model.unreadable or figures.left_out or figures.refused):
        message = f"The model folder {model.path} is empty."
        remedy = "Specify the folder that contains the model's files."
        return [Finding("model", BLOCKER, _MODEL, message, remedy, DEPLOY, at)]
    found = []
    if model.unreadable:
        message = f"Part of the model folder cannot be read: {model.unreadable[0]}."
        remedy = "Give the user that deploys read permission."
        found.append(Finding("model-unreadable", WARNING, _MODEL, message, remedy, looked_at=at))
    found.extend(_mlmodel(plan, model))
    if not found:
        kind = f", {model.flavour} in MLflow format" if model.flavour else ""
        count = f"{model.files} file{'' if model.files == 1 else 's'}" + ("" if model.complete else " and more")
        left = model.figures
        out = f" {left.ignore_file} excludes {left.left_out}." if left.left_out else ""
        found.append(
            Finding("model", OK, _MODEL, f"{count}, {model_size.shown(model.bytes)}{kind}.{out}", looked_at=at)
        )
    return found


def _no_model(plan: Plan, score: ScoreScript | None) -> Finding:
    """The finding for a deployment without a model: its image, its code folder or its script must have it.

    That Azure sets no AZUREML_MODEL_DIR then is assumed: it is recorded for deployments with a model only.
    """
    environment = plan.deployment.environment
    if score and score.model_dir and not plan.deployment.environment_variables.get("AZUREML_MODEL_DIR"):
        message = f"The plan has no model, so AZUREML_MODEL_DIR is not set, which {score.path.name} reads in line "
        may_do_without, line = score.model_dir  # and an image of one's own may set it
        severity = WARNING if may_do_without or not environment.conda_file else BLOCKER
        remedy = "Specify the model (deployment.model.path)."
        return Finding("model", severity, _MODEL, f"{message}{line}.", remedy, _ENTRY_SCRIPT)
    where = "The scoring script must have or fetch it" if environment.conda_file else "The image must contain it"
    return Finding("model", OK, _MODEL, f"The plan has no model. {where}.")


def _mlmodel(plan: Plan, model: ModelFolder) -> list[Finding]:
    at = str(model.mlmodel_path or model.path)
    wants_mlflow = plan.deployment.model.type == "mlflow_model"
    if model.problem:
        severity = BLOCKER if wants_mlflow else WARNING
        remedy = "Save the model again with MLflow."
        return [Finding("mlmodel", severity, _MODEL, model.problem, remedy, MLFLOW_FORMAT, at)]
    if not wants_mlflow:
        return []
    if model.mlmodel_path is None:
        message = "The model's type is mlflow_model, but its folder has no MLmodel file."
        remedy = "Set deployment.model.type to custom_model, or specify the folder that MLflow saved."
        return [Finding("mlmodel", BLOCKER, "deployment.model.type", message, remedy, MLFLOW_FORMAT, at)]
    if model.mlmodel_path.parent != model.path:
        message = f"MLmodel is in the subfolder {model.mlmodel_path.parent}; Azure expects it in the folder itself."
        remedy = f"Set deployment.model.path to {model.mlmodel_path.parent}."
        return [Finding("mlmodel", BLOCKER, _MODEL, message, remedy, MLFLOW_FORMAT, at)]
    return []


def about_conda(plan: Plan, conda: CondaFile | None) -> list[Finding]:
    """Check that the environment can be built from the conda file and includes the server."""
    if conda is None:
        return []
    at = str(conda.path)
    if not conda.found:
        message = conda.problem or f"The conda file {conda.path} does not exist."
        return [Finding("conda", UNKNOWN if conda.problem else BLOCKER, _CONDA, message, looked_at=at)]
    if conda.problem:
        return [Finding("conda", BLOCKER, _CONDA, conda.problem, "Correct the file.", DEPLOY, at)]
    found = []
    if plan.deployment.code_configuration and not conda.has_server:
        message = f"{conda.path.name} does not list {SERVER}, the server that runs the scoring script."
        remedy = f"Add {SERVER} to its pip section."
        found.append(Finding("inference-server", BLOCKER, _CONDA, message, remedy, SERVER_DOCS, at))
    found.extend(_server_for_python(conda))
    if conda.local:
        # The SDK sends the file's content as the property condaFile of the environment's version (Microsoft,
        # "Environment Versions - Create Or Update"), and nothing beside it.
        local = conda.local[0]
        line = line_of(conda.path, local)
        where = f"{conda.path.name}, line {line}" if line else conda.path.name
        message = f"{where}: '{local}' refers to a local file, but only the conda file itself is sent: the build fails."
        lines = "the file's lines" if local not in conda.lines.unread else "the packages"
        remedy = f"Write {lines} into the pip section in place of it."
        found.append(Finding("conda-local", BLOCKER, _CONDA, message, remedy, TROUBLESHOOT, at))
    if conda.python is None:
        message = f"{conda.path.name} does not set a Python version, so the build uses the current default."
        remedy = "Add python=3.12, or the version with which the model was trained."
        found.append(Finding("conda-python", WARNING, _CONDA, message, remedy, DEPLOY, at))
    if not found:
        message = f"Python {conda.python}, {len(conda.packages) - 1} packages"
        message += ", including the inference server." if conda.has_server else "."
        found.append(Finding("conda", OK, _CONDA, message, looked_at=at))
    return found


# The oldest Python that each release of the server supports (requires-python on PyPI, November 2026), newest first.
_SERVER_PYTHONS = (((1, 4), (3, 9)), ((1, 0), (3, 8)), ((0, 8), (3, 7)))


def _server_for_python(conda: CondaFile) -> list[Finding]:
    """Check that the pinned release of the server supports the Python of the file."""
    server = conda.packages.get(SERVER)
    if server is None or not server.version or not re.match(r"^\d+\.\d+", conda.python or ""):
        return []
    least = next((python for version, python in _SERVER_PYTHONS if minor(server.version) >= version), None)
    if least is None or minor(str(conda.python)) >= least:
        return []
    since = next(version for version, python in _SERVER_PYTHONS if python == least)
    message = f"{SERVER} {server.version} needs Python {least[0]}.{least[1]} or newer, but {conda.path.name} "
    message += f"requests Python {conda.python}: the environment cannot be built."
    remedy = f"Use python={least[0]}.{least[1]} or newer, or {SERVER}<{since[0]}.{since[1]}."
    return [Finding("server-python", BLOCKER, _CONDA, message, remedy, SERVER_DOCS, str(conda.path))]


def about_versions(model: ModelFolder | None, conda: CondaFile | None) -> Iterator[Finding]:
    """Check that the environment's libraries match those with which the model was saved."""
    if not model or not model.mlmodel or not conda or not conda.found or conda.problem:
        return
    for flavour in model.flavours:
        key, packages = LIBRARY_VERSIONS.get(flavour, ("", ()))
        saved = model.details(flavour).get(key)
        pinned = next((conda.packages[name] for name in packages if name in conda.packages), None)
        if isinstance(saved, str) and pinned:
            suffix = str(model.details(flavour).get("model_format") or str(model.details(flavour).get("data", "")))
            kept = suffix.rpartition(".")[2] in _PORTABLE
            yield from about_package(model.mlmodel_path, f"{flavour} {saved}", saved, kept, pinned, conda)
    trained = model.details("python_function").get("python_version")
    if not isinstance(trained, str) or model.flavour not in _PICKLED or not re.match(r"^\d+\.\d+", conda.python or ""):
        return
    wanted = ".".join(map(str, minor(trained)))
    if conda.python and minor(trained) != minor(conda.python):
        yield _mismatch(model.mlmodel_path, conda, f"Python {trained}", f"Python {conda.python}", f"python={wanted}")


def about_package(
    saved_in: Path | None, name: str, saved: str, portable: bool, listed: Package, conda: CondaFile
) -> Iterator[Finding]:
    """A warning if the environment's package is, or may become, another release than the one that saved the model.

    A portable format is read by later releases too; any other, such as a pickle, only by the same minor release.
    """
    wanted, line = minor(saved), f"{listed.name}=={saved}"
    if listed.version:
        fits = minor(listed.version) >= wanted if portable else minor(listed.version) == wanted
        if not fits:
            yield _mismatch(saved_in, conda, name, f"{listed.name} {listed.version}", line)
    elif not portable and len(wanted) == 2 and _allows(listed.wanted, f"{wanted[0]}.{wanted[1] + 1}", "9999"):
        asked = f"{listed.name}{listed.wanted}" if listed.wanted else f"any release of {listed.name}"
        yield _mismatch(saved_in, conda, name, asked, line)


def _allows(specifier: str, *versions: str) -> bool:
    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return False
    return any(allowed.contains(version) for version in versions)


def _mismatch(saved_in: Path | None, conda: CondaFile, saved: str, listed: str, wanted: str) -> Finding:
    return Finding(
        "versions",
        WARNING,
        _CONDA,
        f"The model was saved with {saved}, but {conda.path.name} requests {listed}.",
        f"Use {wanted}, or test that the model loads with the other version.",
        TROUBLESHOOT,
        f"{saved_in}, {conda.path}",
        fixes=(LineFix(conda.path, wanted),) if "==" in wanted else (),
    )


def minor(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def about_sample(
    plan: Plan, sample: SampleRequest | None, model: ModelFolder | None, score: ScoreScript | None = None
) -> list[Finding]:
    """Check that a test request in JSON is valid and matches the model's signature; other kinds are sent unchanged."""
    if sample is None:
        return []
    at = str(sample.path)
    if sample.problem:
        remedy = 'Use a JSON body that score.py understands, for example {"data": [{…}]}.'
        return [Finding("sample-request", BLOCKER, "test.request", sample.problem, remedy, looked_at=at)]
    if sample.kind != JSON and not mlflow_without_code(plan):
        message = f"{sample.path.name} is sent as {sample.kind}."
        if score and score.parsed and not score.raw and not sample.kind.startswith("text/"):
            message += f" The scoring server passes only text to run() in {score.path.name}."
            remedy = "Decorate run() with @rawhttp of azureml_inference_server_http.api.aml_request."
            return [Finding("sample-request", WARNING, "test.request", message, remedy, _ENTRY_SCRIPT, at)]
        return [Finding("sample-request", OK, "test.request", message, looked_at=at)]
    if mlflow_without_code(plan) and not (isinstance(sample.body, dict) and "input_data" in sample.body):
        message = f"{sample.path.name} has no `input_data`, which Azure's script for MLflow models requires."
        remedy = 'Use {"input_data": {"columns": […], "data": [[…]]}}.'
        return [Finding("sample-request", WARNING, "test.request", message, remedy, MLFLOW, at)]
    rows = sample_request.rows(sample.body)
    wrong = sample_request.misfits(rows, model.signature) if rows and model and model.signature else []
    if wrong:
        remedy = "Correct the request, unless score.py prepares the columns itself."
        return [Finding("sample-request", WARNING, "test.request", " ".join(wrong), remedy, looked_at=at)]
    fits = (
        f"{len(rows)} row{'' if len(rows) == 1 else 's'} that match the model's signature" if rows and model else "JSON"
    )
    if rows and not (model and model.signature):
        fits = f"JSON with {len(rows)} row{'' if len(rows) == 1 else 's'}"
    return [Finding("sample-request", OK, "test.request", f"{sample.path.name}: {fits}.", looked_at=at)]


def about_size(plan: Plan, model: ModelFolder | None) -> list[Finding]:
    """Check that the model fits the disk and the memory of the chosen size."""
    return model_size.findings(plan, model.bytes, TROUBLESHOOT, str(model.path)) if model else []


def about_mlflow_network(plan: Plan, isolation: str | None) -> list[Finding]:
    """Block an MLflow model without code if the legacy egress flag is set (Microsoft, BadArgument)."""
    closed = plan.deployment.egress_public_network_access == "disabled"
    if not mlflow_without_code(plan) or not closed or isolation == "managed_network":
        return []
    return [
        Finding(
            "mlflow-network",
            BLOCKER if isolation else WARNING,
            "deployment.egress_public_network_access",
            "With egress_public_network_access disabled, Azure rejects an MLflow model without a scoring script.",
            f"{SCORING_REMEDY}, or use a workspace with a managed virtual network and omit the flag.",
            TROUBLESHOOT,
            str(plan.deployment.model.path or plan.deployment.model.registered or plan.deployment.model.source or ""),
            (SCORING,),
        )
    ]


def about_mlflow_3(plan: Plan, model: ModelFolder | None) -> Iterator[Finding]:
    """A warning for a model of MLflow 3 that is deployed without code (Azure/azureml-examples, pull 4051)."""
    version = model.versions.get("mlflow", "") if model else ""
    if model and mlflow_without_code(plan) and minor(version)[:1] >= (3,):
        yield Finding(
            "mlflow-3",
            WARNING,
            _MODEL,
            f"The model was logged with MLflow {version} (Databricks Runtime 17.3 ML and newer have MLflow 3). One "
            "author reports that Azure's script for models without code fails with MLflow 3; nobody has confirmed it.",
            f"Test it before it gets traffic. {SCORING_REMEDY} if it fails.",
            "https://github.com/Azure/azureml-examples/pull/4051",
            str(model.mlmodel_path),
            (SCORING,),
        )
