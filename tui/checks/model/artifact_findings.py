"""What is said about a plan's files, once they are read: one function a subject, each gives its findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui.checks.capacity import model_size
from tui.checks.environment.conda_file import SERVER, CondaFile
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.model.model_folder import LIBRARY_VERSIONS, ModelFolder
from tui.checks.scoring import sample_request
from tui.checks.scoring.sample_request import SampleRequest
from tui.plan.model import Plan

_LEARN = "https://learn.microsoft.com/azure/machine-learning/"
DEPLOY = _LEARN + "how-to-deploy-online-endpoints"
TROUBLESHOOT = _LEARN + "how-to-troubleshoot-online-endpoints"
SERVER_DOCS = _LEARN + "how-to-inference-server-http"
MLFLOW = _LEARN + "how-to-deploy-mlflow-models-online-endpoints"
MLFLOW_FORMAT = "https://mlflow.org/docs/latest/ml/model/"

_MODEL = "deployment.model.path"
_CONDA = "deployment.environment.conda_file"

SCORING = "aml-deploy scoring PLAN"
SCORING_REMEDY = (
    f"Deploy it with a scoring script and a conda file, which `{SCORING}` writes together with a plan that uses them"
)

# Formats of one library's own that its later releases read; a pickle only promises the same release.
_PORTABLE = {"json", "ubj", "cbm", "txt", "onnx"}
# Flavours whose files are pickles, so that Python's own version matters as well.
_PICKLED = {"sklearn", "python_function", "statsmodels", "lightgbm", "prophet"}


def mlflow_without_code(plan: Plan) -> bool:
    """Whether Azure is to make the scoring script itself."""
    return plan.deployment.model.type == "mlflow_model" and plan.deployment.code_configuration is None


def about_model(plan: Plan, model: ModelFolder | None) -> list[Finding]:
    """Is there something to register, and is it what the plan says."""
    if model is None:
        if plan.deployment.model.registered or plan.deployment.model.source:
            return []
        return [
            Finding(
                "model",
                BLOCKER,
                _MODEL,
                "The plan names no model, or none that is there.",
                "Name the model's folder.",
                MLFLOW_FORMAT,
            )
        ]
    at = str(model.path)
    if model.problem and not model.exists:
        return [Finding("model", UNKNOWN, _MODEL, model.problem, "Check the mount and its permissions.", looked_at=at)]
    if not model.exists:
        remedy = "Name the folder that was saved with the model, or train first."
        return [Finding("model", BLOCKER, _MODEL, f"There is no model at {model.path}.", remedy, DEPLOY, at)]
    if model.files == 0 and model.complete and not model.unreadable and not model.figures.left_out:
        return [
            Finding(
                "model",
                BLOCKER,
                _MODEL,
                f"The model folder {model.path} is empty.",
                "Name the folder that holds the model's files.",
                DEPLOY,
                at,
            )
        ]
    found = []
    if model.unreadable:
        found.append(
            Finding(
                "model-unreadable",
                WARNING,
                _MODEL,
                f"A part of the model folder cannot be read: {model.unreadable[0]}.",
                "Give the user that deploys the right to read it.",
                looked_at=at,
            )
        )
    found.extend(_mlmodel(plan, model))
    if not found:
        kind = f", {model.flavour} in MLflow's format" if model.flavour else ""
        count = f"{model.files} file{'' if model.files == 1 else 's'}" + ("" if model.complete else " and more")
        left = model.figures
        out = f" {left.ignore_file} leaves {left.left_out} out." if left.left_out else ""
        found.append(
            Finding("model", OK, _MODEL, f"{count}, {model_size.shown(model.bytes)}{kind}.{out}", looked_at=at)
        )
    return found


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
        return [
            Finding(
                "mlmodel",
                BLOCKER,
                "deployment.model.type",
                "The model's type is mlflow_model, but its folder has no file MLmodel.",
                "Set deployment.model.type to custom_model, or name the folder that MLflow saved.",
                MLFLOW_FORMAT,
                at,
            )
        ]
    if model.mlmodel_path.parent != model.path:
        return [
            Finding(
                "mlmodel",
                BLOCKER,
                _MODEL,
                f"MLmodel lies deeper, in {model.mlmodel_path.parent}; Azure looks for it in the folder itself.",
                f"Set deployment.model.path to {model.mlmodel_path.parent}.",
                MLFLOW_FORMAT,
                at,
            )
        ]
    return []


def about_conda(plan: Plan, conda: CondaFile | None) -> list[Finding]:
    """Can the environment be built from this file, and does it have the server."""
    if conda is None:
        return []
    at = str(conda.path)
    if not conda.found:
        message = conda.problem or f"There is no conda file {conda.path}."
        return [Finding("conda", UNKNOWN if conda.problem else BLOCKER, _CONDA, message, looked_at=at)]
    if conda.problem:
        return [Finding("conda", BLOCKER, _CONDA, conda.problem, "Correct the file.", DEPLOY, at)]
    found = []
    if plan.deployment.code_configuration and not conda.has_server:
        found.append(
            Finding(
                "inference-server",
                BLOCKER,
                _CONDA,
                f"{conda.path.name} does not list {SERVER}, the server that runs the scoring script.",
                f"Add {SERVER} to its pip part.",
                SERVER_DOCS,
                at,
            )
        )
    found.extend(_server_for_python(conda))
    if conda.local:
        found.append(
            Finding(
                "conda-local",
                WARNING,
                _CONDA,
                f"{conda.path.name} refers to a file beside it ({conda.local[0]}); only the conda file itself is sent.",
                "List the packages in the conda file.",
                TROUBLESHOOT,
                at,
            )
        )
    if conda.python is None:
        found.append(
            Finding(
                "conda-python",
                WARNING,
                _CONDA,
                f"{conda.path.name} names no Python version, so the build takes whatever is current then.",
                "Add python=3.10, or the version that the model was trained with.",
                DEPLOY,
                at,
            )
        )
    if not found:
        message = f"Python {conda.python}, {len(conda.packages) - 1} packages"
        message += ", the inference server among them." if conda.has_server else "."
        found.append(Finding("conda", OK, _CONDA, message, looked_at=at))
    return found


# The oldest Python of the server's releases (their requires-python on PyPI, read in November 2026), the newest first.
_SERVER_PYTHONS = (((1, 4), (3, 9)), ((1, 0), (3, 8)), ((0, 8), (3, 7)))


def _server_for_python(conda: CondaFile) -> list[Finding]:
    """Is there a release of the server, as pinned, for the Python of the file."""
    server = conda.packages.get(SERVER)
    if server is None or not server.version or not re.match(r"^\d+\.\d+", conda.python or ""):
        return []
    least = next((python for version, python in _SERVER_PYTHONS if _minor(server.version) >= version), None)
    if least is None or _minor(str(conda.python)) >= least:
        return []
    since = next(version for version, python in _SERVER_PYTHONS if python == least)
    return [
        Finding(
            "server-python",
            BLOCKER,
            _CONDA,
            f"{SERVER} {server.version} needs Python {least[0]}.{least[1]} or newer, and {conda.path.name} asks for "
            f"Python {conda.python}: the environment cannot be built.",
            f"Write python={least[0]}.{least[1]} or newer, or {SERVER}<{since[0]}.{since[1]}.",
            SERVER_DOCS,
            str(conda.path),
        )
    ]


def about_versions(model: ModelFolder | None, conda: CondaFile | None) -> Iterator[Finding]:
    """Do the libraries of the environment fit those that the model was saved with."""
    if not model or not model.mlmodel or not conda or not conda.found or conda.problem:
        return
    for flavour in model.flavours:
        key, packages = LIBRARY_VERSIONS.get(flavour, ("", ()))
        saved = model.details(flavour).get(key)
        pinned = next((conda.packages[name] for name in packages if name in conda.packages), None)
        if (
            isinstance(saved, str)
            and pinned
            and pinned.version
            and not _compatible(model, flavour, saved, pinned.version)
        ):
            yield _mismatch(
                model, conda, f"{flavour} {saved}", f"{pinned.name} {pinned.version}", f"{pinned.name}=={saved}"
            )
    trained = model.details("python_function").get("python_version")
    if not isinstance(trained, str) or model.flavour not in _PICKLED or not re.match(r"^\d+\.\d+", conda.python or ""):
        return
    wanted = ".".join(map(str, _minor(trained)))
    if conda.python and _minor(trained) != _minor(conda.python):
        yield _mismatch(model, conda, f"Python {trained}", f"Python {conda.python}", f"python={wanted}")


def _mismatch(model: ModelFolder, conda: CondaFile, saved: str, listed: str, wanted: str) -> Finding:
    return Finding(
        "versions",
        WARNING,
        _CONDA,
        f"The model was saved with {saved}, and {conda.path.name} asks for {listed}.",
        f"Write {wanted}, or try that the model loads with the other version.",
        TROUBLESHOOT,
        f"{model.mlmodel_path}, {conda.path}",
    )


def _compatible(model: ModelFolder, flavour: str, saved: str, listed: str) -> bool:
    details = model.details(flavour)
    suffix = str(details.get("model_format") or str(details.get("data", "")).rpartition(".")[2])
    if suffix in _PORTABLE:
        return _minor(listed) >= _minor(saved)
    return _minor(listed) == _minor(saved)


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def about_sample(plan: Plan, sample: SampleRequest | None, model: ModelFolder | None) -> list[Finding]:
    """Is the test's request JSON, and does it fit the model's signature."""
    if sample is None:
        return []
    at = str(sample.path)
    if sample.problem:
        remedy = 'Write a JSON body that score.py understands, for example {"data": [{…}]}.'
        return [Finding("sample-request", BLOCKER, "test.request", sample.problem, remedy, looked_at=at)]
    if mlflow_without_code(plan) and not (isinstance(sample.body, dict) and "input_data" in sample.body):
        return [
            Finding(
                "sample-request",
                WARNING,
                "test.request",
                f"{sample.path.name} has no `input_data`, which is what Azure's script for MLflow models reads.",
                'Write {"input_data": {"columns": […], "data": [[…]]}}.',
                MLFLOW,
                at,
            )
        ]
    rows = sample_request.rows(sample.body)
    wrong = sample_request.misfits(rows, model.signature) if rows and model and model.signature else []
    if wrong:
        remedy = "Correct the request, unless score.py prepares the columns itself."
        return [Finding("sample-request", WARNING, "test.request", " ".join(wrong), remedy, looked_at=at)]
    fits = (
        f"{len(rows)} row{'' if len(rows) == 1 else 's'} that fit the model's signature" if rows and model else "JSON"
    )
    if rows and not (model and model.signature):
        fits = f"JSON with {len(rows)} row{'' if len(rows) == 1 else 's'}"
    return [Finding("sample-request", OK, "test.request", f"{sample.path.name}: {fits}.", looked_at=at)]


def about_size(plan: Plan, model: ModelFolder | None) -> list[Finding]:
    """Does the model fit the disk and the memory of the chosen size."""
    return model_size.findings(plan, model.bytes, TROUBLESHOOT, str(model.path)) if model else []


def about_mlflow_network(plan: Plan, isolation: str | None) -> list[Finding]:
    """An MLflow model without code cannot be deployed with the legacy egress flag (Microsoft, BadArgument)."""
    closed = plan.deployment.egress_public_network_access == "disabled"
    if not mlflow_without_code(plan) or not closed or isolation == "managed_network":
        return []
    return [
        Finding(
            "mlflow-network",
            BLOCKER if isolation else WARNING,
            "deployment.egress_public_network_access",
            "An MLflow model without a scoring script is refused where egress_public_network_access is disabled.",
            f"{SCORING_REMEDY}, or use a workspace with a managed virtual network and leave the flag out.",
            TROUBLESHOOT,
            str(plan.deployment.model.path or plan.deployment.model.registered or plan.deployment.model.source or ""),
            (SCORING,),
        )
    ]
