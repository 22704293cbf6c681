"""Serves MLflow models without code: their environment, and their scoring script.

Azure reads the conda file in the model, adds what the inference server needs, and provides a scoring script
(Microsoft, how-to-deploy-mlflow-models). The build log lists which other files are read and which packages are
added; the format of the bodies is in mlflow_resources.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import yaml

from tui.common.conda_file import name_in_model
from tui.common.conda_requirements import CondaFileInvalid, parse, read
from tui.rehearsal.arm.asset_properties import blob_place, flavors_in, is_mlflow_model, uri_of, yaml_object
from tui.rehearsal.arm.errors import additional_info
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.online_endpoints.own_containers import declared_routes
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

# The script's folder in Azure's images for MLflow (seen in such containers' logs and environments).
RESOURCES = "/var/mlflow_resources"
SCRIPT = "mlflow_score_script.py"
# The base image of the environment that Azure makes for such a deployment, there with the digest of its day.
IMAGE = "mcr.microsoft.com/azureml/curated/mlflow-py312-inference:latest"
# Not a module of this package: it runs in the deployment's environment, whose packages it imports.
_OURS = Path(__file__).with_name("mlflow_resources") / SCRIPT

_SERVER = "azureml-inference-server-http"
_MONITORING = "azureml-ai-monitoring"
_MLFLOW = ("mlflow", "mlflow-skinny")
# Their inputs are texts and lists of texts, which Azure's script parses by further rules.
_LANGUAGE = ("transformers", "hftransformersv2", "langchain", "openai")


def scores(service: Service, deployment: Resource) -> bool:
    """Whether the service's script scores the model: an MLflow model without code, in an image without own routes."""
    model = service.store.get(deployment.properties["model"] or "")
    code = deployment.properties.get("codeConfiguration")
    return is_mlflow_model(model) and not code and not declared_routes(service, deployment)


def variables(models: Path) -> dict[str, str]:
    """The variable with the model's path below AZUREML_MODEL_DIR (`models`), for the script."""
    found = next(iter(sorted(models.glob("*/MLmodel"))), None)
    return {"MLFLOW_MODEL_FOLDER": found.parent.name if found else ""}


def put_script(folder: Path) -> None:
    """Copy the scoring script to the folder of the deployment's code."""
    shutil.copyfile(_OURS, folder / SCRIPT)


def conda_of_model(service: Service, workspace: Workspace, deployment: Resource, say: Callable[[str], None]) -> str:
    """The model's conda file, completed with the packages that serving needs.

    `say` receives sentences for the build log. Raises OperationFailed, with the missing file or flavour, if the
    model cannot be served.
    """

    def refuse(message: str) -> OperationFailed:
        return OperationFailed("BadArgument", message, additional=additional_info(workspace.location))

    uri = uri_of(service, deployment.properties["model"] or "", "modelUri")
    place = blob_place(service, workspace, uri)

    def content(name: str) -> str | None:
        if place is None or ".." in PurePosixPath(name).parts:
            return None
        data = service.blobs.read_small(place[0], f"{place[1]}/{name}".lstrip("/"))
        return None if data is None else data.decode("utf-8", "replace")

    text = content("MLmodel")
    if text is None:
        raise refuse(f"The MLflow model has no file MLmodel at '{uri}'. Register the folder that MLflow saved.")
    flavors = flavors_in(text)
    names = ", ".join(map(str, flavors))
    function = flavors.get("python_function")
    if not isinstance(function, dict):
        raise refuse(
            "The MLflow model has no flavor python_function, which is what serves it without code "
            f"(its flavors: {names or 'none'}). Deploy it as custom_model with a scoring script."
        )
    language = [name for name in _LANGUAGE if name in flavors]
    if language:
        raise refuse(
            f"The rehearsal does not serve the MLflow flavor {language[0]} without code: Azure's script reads its "
            "inputs by rules of its own. Deploy it with a scoring script to rehearse it."
        )
    conda_name = name_in_model(function)
    conda, requirements = content(conda_name), content("requirements.txt")
    if conda is None and requirements is None:
        raise refuse(
            f"The MLflow model ({names}) has neither {conda_name} nor requirements.txt, so its packages are unknown. "
            "Save it again with MLflow, or deploy it with a scoring script and a conda file."
        )
    if conda is None:
        say(f"WARNING: The model has no {conda_name}, which is what Azure reads; its requirements.txt is taken.")
        python = yaml_object(content("python_env.yaml") or "").get("python") or function.get("python_version") or ""
        lines = [line for line in (requirements or "").splitlines() if line.strip()]
        conda = yaml.safe_dump({"dependencies": [f"python={python}" if python else "python", "pip", {"pip": lines}]})
    else:
        say(f"Image build: the environment is the model's own, from its {conda_name}.")
    return completed(conda, say)


def completed(conda: str, say: Callable[[str], None]) -> str:
    """The conda file, with missing packages for serving added."""
    try:
        tree = parse(conda)
        has = read(tree).has
    except CondaFileInvalid:
        return conda  # the build reports the error
    # Before 1.0 it brings an inference-schema that does not run on Python 3.11; uv takes it for old models' packages.
    added = [] if has(_SERVER) else [f"{_SERVER}>=1"]
    if not any(map(has, _MLFLOW)):
        added.append(_MLFLOW[1])
    if not has(_MONITORING):
        say(
            f"WARNING: The model's environment lacks {_MONITORING}. The rehearsal does without, but the script that "
            "Azure brings imports it, and deployments have failed for want of it; add it to the model's conda file."
        )
    if not added:
        return conda
    say(f"Image build: added, to load and serve the model: {', '.join(added)}.")
    # One list for pip: of several, conda takes the last.
    items = tree.get("dependencies") or []
    pip = [line for item in items if isinstance(item, dict) for line in item["pip"]]
    others = [item for item in items if isinstance(item, str)]
    return yaml.safe_dump({**tree, "dependencies": [*others, {"pip": [*pip, *added]}]})
