"""Check the environment inside an MLflow model, which Azure builds if the model is deployed without code."""

from __future__ import annotations

from tui.checks.environment import conda_file, old_setuptools
from tui.checks.environment.conda_file import SERVER, CondaFile
from tui.checks.finding import BLOCKER, OK, WARNING, Finding
from tui.checks.model.artifact_findings import MLFLOW, mlflow_without_code
from tui.checks.model.model_folder import ModelFolder
from tui.common.conda_file import name_in_model
from tui.plan.model import Plan

MONITORING = "azureml-ai-monitoring"
_FIELD = "deployment.model.path"
_OWN = "Deploy it with a scoring script and a conda file, which aml-deploy scoring writes."


def read(plan: Plan, model: ModelFolder | None) -> CondaFile | None:
    """Read the model's own conda file; None if Azure does not build from it. Never raises."""
    if plan.deployment.environment.given or not mlflow_without_code(plan):
        return None
    if model is None or model.mlmodel_path is None or model.problem:
        return None
    return conda_file.read(model.mlmodel_path.parent / name_in_model(model.details("python_function")))


def about_environment(conda: CondaFile | None) -> list[Finding]:
    """Check that the model lists its requirements, including what Azure's scoring script imports."""
    if conda is None:
        return []
    at = str(conda.path)
    if not conda.found:
        message = (
            f"The model has no {conda.path.name}, from which Azure builds the environment of a model without code."
        )
        remedy = "Save the model again with MLflow, or deploy it with a scoring script and a conda file."
        return [Finding("mlflow-environment", WARNING, _FIELD, message, remedy, MLFLOW, at)]
    if conda.problem:
        remedy = "Save the model again with MLflow."
        return [Finding("mlflow-environment", BLOCKER, _FIELD, conda.problem, remedy, MLFLOW, at)]
    mlflow = conda.packages.get("mlflow")
    # Their gunicorn, below 22, leaves servers up to 1.2, whose `azureml.contrib` the package's `azureml` hides.
    old = bool(mlflow and old_setuptools.all_before(mlflow, "2.12"))
    if old and MONITORING in conda.packages:
        message = f"The model's {conda.path.name} lists {MONITORING} beside an MLflow before 2.12, for which only old "
        message += f"releases of {SERVER} fit, so the container would end with: No module named 'azureml.contrib'."
        return [Finding("mlflow-environment", WARNING, _FIELD, message, _OWN, MLFLOW, at)]
    if MONITORING not in conda.packages:
        # Reported in Azure/azureml-examples 3904 and others: the container exits with "No module named 'azureml'".
        message = (
            f"The model's {conda.path.name} does not list {MONITORING}, which Azure's scoring script imports; "
            "deployments have failed because of this."
        )
        remedy = f"Add {MONITORING} and {SERVER} to the pip section of {conda.path.name} in the model, or set "
        remedy += "extra_pip_requirements when you save it."
        return [Finding("mlflow-environment", WARNING, _FIELD, message, _OWN if old else remedy, MLFLOW, at)]
    count = len(conda.packages.keys() - {"python", "pip"})
    message = f"The model's own environment: Python {conda.python or 'of any version'}, {count} packages."
    return [Finding("mlflow-environment", OK, _FIELD, message, looked_at=at)]
