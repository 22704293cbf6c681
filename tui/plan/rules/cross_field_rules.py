"""What is wrong with values of a plan that are right each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.plan.load_save.document import Document
    from tui.plan.problems import Problem

ROUTES = ("liveness", "readiness", "scoring")
_ENVIRONMENT = "deployment.environment"
_IDENTITIES = "endpoint.identity.user_assigned_identities"
_COLLECTOR = "deployment.data_collector"


def problems(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with the values of one deployment and its endpoint taken together."""
    return [
        *_assets(document, values),
        *_environment(document, values),
        *_routes(document, values),
        *_collector(document, values),
        *_identity(document, values),
    ]


def _assets(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    """The model, its scoring script and its environment."""
    found = []
    model = values.get("deployment.model.path")
    brought = isinstance(model, Path) or (isinstance(model, str) and not model.startswith("azureml:"))
    needs_name = brought and not values.get("deployment.model.name")
    if needs_name:
        found.append(
            document.problem(
                "deployment.model.name", "The model is registered, so it needs a name.", "For example churn-model-adb."
            )
        )
    code = values.get("deployment.code_configuration.code")
    script = values.get("deployment.code_configuration.scoring_script")
    if isinstance(code, Path) and code.is_dir() and script and not (code / script).is_file():
        found.append(
            document.problem(
                "deployment.code_configuration.scoring_script",
                f"{script} is not in {code}.",
                "The script is named relative to the code folder.",
            )
        )
    kinds = ("conda_file", "image", "registered", "build.path")
    has_environment = any(values.get(f"{_ENVIRONMENT}.{key}") for key in kinds)
    if code and not has_environment:
        found.append(
            document.problem(
                "deployment.environment.conda_file",
                "A scoring script needs an environment.",
                "Name a conda file, an image, a build context or a registered environment.",
            )
        )
    if not code and values.get("deployment.model.type") != "mlflow_model" and brought and not _own_server(values):
        found.append(
            document.problem(
                "deployment.code_configuration.code",
                "A custom model needs a scoring script.",
                "Name its folder, set deployment.model.type to mlflow_model, or give the routes of a container with a "
                "server of its own (deployment.environment.inference_config).",
            )
        )
    return found


def _own_server(values: Mapping[str, Any]) -> bool:
    """Whether the environment is a container with its own server, or may be one: a registered one shows no routes."""
    routes = any(key.startswith(f"{_ENVIRONMENT}.inference_config.") for key in values)
    return routes or bool(values.get(f"{_ENVIRONMENT}.registered"))


def _environment(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    """A build context stands alone (azure-ai-ml 1.35: image or build, not both; a conda file goes onto an image)."""
    found = []
    build = values.get(f"{_ENVIRONMENT}.build.path")
    dockerfile = values.get(f"{_ENVIRONMENT}.build.dockerfile_path")
    for key in ("image", "conda_file", "registered") if build else ():
        if values.get(f"{_ENVIRONMENT}.{key}"):
            found.append(
                document.problem(
                    f"{_ENVIRONMENT}.{key}",
                    "The environment has a build context, whose Dockerfile says everything about the image.",
                    "Take this or the build context out.",
                )
            )
    if dockerfile and not build:
        text = "A Dockerfile is named, and no build context that it lies in."
        found.append(document.problem(f"{_ENVIRONMENT}.build.path", text, "Name the folder."))
    if isinstance(build, Path) and build.is_dir() and not (build / (dockerfile or "Dockerfile")).is_file():
        key = f"{_ENVIRONMENT}.build.dockerfile_path"
        found.append(
            document.problem(
                key if dockerfile else f"{_ENVIRONMENT}.build.path",
                f"There is no {dockerfile or 'Dockerfile'} in {build}.",
                f"{key} names it relative to the build context.",
            )
        )
    return found


def _routes(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    """All three routes are given, or none (azure-ai-ml 1.35, InferenceConfigSchema)."""
    keys = [f"{_ENVIRONMENT}.inference_config.{name}_route.{part}" for name in ROUTES for part in ("path", "port")]
    given = [key for key in keys if values.get(key) is not None]
    if not given:
        return []
    if values.get(f"{_ENVIRONMENT}.registered"):
        text = "A registered environment has its own routes."
        return [document.problem(given[0], text, "Take the routes out; az ml environment show has them.")]
    written = [key for key in keys if document.get(key) is None]
    return [
        document.problem(key, "A container with its own server needs all three routes, each with path and port.",
                         f"Give {key.partition('inference_config.')[2]}.")
        for key in written
    ]  # fmt: skip


def _collector(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    if values.get(f"{_COLLECTOR}.collections") or document.get(f"{_COLLECTOR}.collections"):
        return []
    given = [key for key in values if key.startswith(f"{_COLLECTOR}.")]
    text = "The data collector has no collection, so nothing would be collected."
    remedy = "Name one, for example collections: {model_inputs: {enabled: 'True'}}, or take data_collector out."
    return [document.problem(f"{_COLLECTOR}.collections", text, remedy)] if given else []


def _identity(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    if document.get(_IDENTITIES) is None or values.get("endpoint.identity.type") == "user_assigned":
        return []
    text = "An identity is named, and the type of the endpoint's identity is not user_assigned."
    return [document.problem("endpoint.identity.type", text, "Write type: user_assigned, or take the identity out.")]
